"""Why a server does not start on a store.

StoreRefused            the store or its folder cannot be used as it is; somebody must change something   (exit 78)
`-- StoreUnreachable    it does not answer; it may come back by itself                                    (exit 69)
"""

import os
from typing import ClassVar


class StoreRefused(Exception):
    """A store that cannot be used: what was found and why it matters (`message`), and what to do (`remedy`)."""

    exit_code: ClassVar[int] = os.EX_CONFIG

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}\n{remedy}")
        self.message = message
        self.remedy = remedy


class StoreUnreachable(StoreRefused):
    """A store that did not answer."""

    exit_code = os.EX_UNAVAILABLE
