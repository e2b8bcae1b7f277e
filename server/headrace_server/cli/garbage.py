"""How often Python looks for circles of garbage in a server process; it must not know what is served.

Each request makes some thirty objects that Python watches, and those of all requests in flight are alive at the same
time: by Python's own thresholds sixty-four clients are enough for it to look through all of them for nothing, several
times in each turn of the store. Circles are rare here, so they may lie a little longer, and what was there when the
server had started is not looked at again.
"""

import gc
from typing import Final

_YOUNG: Final = 10_000  # objects more than went, before the young ones are looked at; Python has 700


def settle_down() -> None:
    """Take in that the process has started: what there is now will stay, and most of what comes goes by itself."""
    gc.collect()  # else the circles of the start would stay, too
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
