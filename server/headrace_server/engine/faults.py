"""Tells apart what never happened (`NotDone`) and what may have happened (`Unknown`); it must not know the verbs."""

from typing import Final

from redis import exceptions

from headrace_server.domain.errors import Code, NotDone, StoreFault, Unknown

# First words of an error reply that mean: refused before it started.
_REFUSED: Final = {
    "OOM": Code.STORE_FULL,
    "MISCONF": Code.STORE_REFUSED,
    "READONLY": Code.STORE_REFUSED,
    "LOADING": Code.STORE_REFUSED,
    "BUSY": Code.STORE_REFUSED,
    "NOREPLICAS": Code.NOT_REPLICATED,
    "NOSCRIPT": Code.STORE_REFUSED,
    "CLUSTERDOWN": Code.STORE_REFUSED,
    "MASTERDOWN": Code.STORE_REFUSED,
    "MOVED": Code.WRONG_NODE,
    "ASK": Code.WRONG_NODE,
    "TRYAGAIN": Code.STORE_REFUSED,
    "NOAUTH": Code.STORE_REFUSED,
    "WRONGPASS": Code.STORE_REFUSED,
    "NOPERM": Code.STORE_REFUSED,
}
# What an error reply is raised as: redis-py derives two of them from ConnectionError.
REPLIES: Final = (exceptions.ResponseError, exceptions.AuthenticationError, exceptions.BusyLoadingError)

# A text with this in it was raised inside the script: commands before it may have been executed.
_RAISED_INSIDE: Final = "script:"


def not_connected(error: Exception) -> NotDone:
    """Return the fault for a connection that could not be made: nothing was sent."""
    if isinstance(error, REPLIES):
        return NotDone(Code.STORE_REFUSED, f"the store refuses the connection: {error}")
    return NotDone(Code.STORE_UNREACHABLE, "the store cannot be reached")


def no_answer(error: BaseException) -> Unknown:
    """Return the fault for a call whose answer did not come after bytes of it had been sent."""
    if isinstance(error, TimeoutError | exceptions.TimeoutError):
        return Unknown(Code.STORE_TIMEOUT, "the store did not answer in time")
    return Unknown(Code.STORE_UNREACHABLE, "the connection to the store broke before the answer came")


def error_reply(error: Exception) -> StoreFault:
    """Return the fault for an error that the store sent as its answer to EVALSHA."""
    text = str(error)
    if _RAISED_INSIDE in text:
        return Unknown(Code.STORE_REFUSED, f"the script failed in the store: {text}")
    code = _REFUSED.get(_first_word(error))
    if code is None:
        return Unknown(Code.STORE_REFUSED, f"the store answered with an error: {text}")
    if code is Code.STORE_FULL:
        return NotDone(code, "the store is at its memory limit; finish or delete jobs, or raise maxmemory")
    return NotDone(code, f"the store refused the call: {text}")


def _first_word(error: Exception) -> str:
    """Return the code of an error reply; redis-py cuts it off the text of those it has a class for."""
    return getattr(error, "status_code", None) or str(error).partition(" ")[0]
