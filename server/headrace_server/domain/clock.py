"""What a test clock shows."""

import msgspec


class ClockView(msgspec.Struct, frozen=True, kw_only=True):
    """What time it is."""

    now_ms: int
    ahead_ms: int  # of everybody's clock
    due_ms: int | None  # when something happens next by itself


class Turned(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a wish to set it forward."""

    view: ClockView
    target_ms: int
    moments: int  # steps on the way, of which several may be at one moment
    done: bool  # else it is not there yet
