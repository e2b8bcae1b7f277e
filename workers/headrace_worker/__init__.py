"""The worker runtime of Headrace: runs the tasks of an app for a server. `headrace worker module:app` starts one.

Tasks may ask for their job with `current()`; the rest of this package is for whoever starts workers.
"""

from headrace_worker.context import Cancelled, JobContext, current

__all__ = ["Cancelled", "JobContext", "current"]
