"""How often Python looks for circles of garbage in the worker's own processes; it must not know what they do.

A supervisor makes ten objects for each job and keeps them for a moment: by Python's own thresholds it would go through
all modules, classes and functions again every thousand jobs, which took a sixth of its time. Circles are rare here, so
they may lie a little longer, and what was imported is not looked at again.
"""

import gc
from typing import Final

_YOUNG: Final = 10_000  # objects more than went, before the young ones are looked at: some hundred jobs; Python has 700


def settle_down() -> None:
    """Take in that a process has started: what there is now will stay."""
    gc.freeze()


def be_patient() -> None:
    """Look for garbage less often, in a process in which no user code runs."""
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
