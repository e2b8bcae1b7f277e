"""What can go wrong between the engine and the store, by the decision the caller must take.

    StoreFault
    |-- NotDone     it never happened; safe to repeat            (503)
    `-- Unknown     it may have happened; repeat only with a key (504)

`code` names the cause and is part of the API; `outcome` is the class.
"""

from enum import StrEnum
from typing import ClassVar


class Code(StrEnum):
    """The causes of a store fault, as they appear in problem documents."""

    STORE_UNREACHABLE = "store_unreachable"
    STORE_FULL = "store_full"
    STORE_TIMEOUT = "store_timeout"
    STORE_REFUSED = "store_refused"  # read-only, loading, busy, no permission, a script the store cannot run
    WRONG_NODE = "wrong_node"
    NOT_REPLICATED = "not_replicated"
    DISK_LOW = "disk_low"
    OVERLOADED = "overloaded"


class StoreFault(Exception):
    """A call to the store that did not end well."""

    outcome: ClassVar[str]

    def __init__(self, code: Code, detail: str, *, retry_after_ms: int = 1_000) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.retry_after_ms = retry_after_ms


class NotDone(StoreFault):
    """The call was not executed."""

    outcome = "not_done"


class Unknown(StoreFault):
    """The call may or may not have been executed."""

    outcome = "unknown"
