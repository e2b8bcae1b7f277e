"""Which operations change what an operator rules over: each leaves a line in the log, the traffic of jobs does not."""

from typing import Final

from starlette.routing import Route

# What applications and workers do all day, and what changes nothing. Their requests are logged at debug.
_TRAFFIC: Final = frozenset(
    {
        "enqueueJob",
        "enqueueJobs",
        "waitForJobs",
        "leaseJobs",
        "ackJob",
        "nackJob",
        "releaseJob",
        "snoozeJob",
        "extendJob",
        "completeJobs",
        "heartbeat",
        "previewTiming",
    }
)


def is_act(route: Route) -> bool:
    """Return whether a request of this route is worth a line of its own."""
    return "GET" not in (route.methods or ()) and route.name not in _TRAFFIC
