"""The worker runtime of Headrace: runs the tasks of an app for a server. `headrace worker module:app` starts one.

Tasks may ask for their job with `current()`; the rest of this package is for whoever starts workers.
"""

from headrace.context import current
from headrace.exceptions import Cancelled

__all__ = ["Cancelled", "current"]
