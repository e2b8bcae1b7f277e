"""A list of settles -> what the engine is asked; it must not know what becomes of them.

Nearly every list is without a fault, so it is looked at as a whole first: one call decodes all items, and one look each
is for all ids and all tokens. Where that finds something amiss, each item is read by itself, and told what is wrong.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import UNSET, Raw

from headrace_server.api import parse, settles, shapes
from headrace_server.api.faults import Reading, value_faults
from headrace_server.api.payloads import payload_fault
from headrace_server.api.verdicts import Invalid
from headrace_server.domain.ids import parse_ids
from headrace_server.domain.requests import Settle
from headrace_server.domain.tokens import parse_tokens

_MANY: Final = 4  # items: fewer are read faster one by one


def read(raws: Sequence[Raw], reading: Reading, pointer: str) -> Sequence[Settle | Invalid]:
    """Return the settles of a list at `pointer`, in order, and what is faulty as Invalid."""
    found = _faultless(raws, reading) if len(raws) >= _MANY else []
    return found or _each(raws, reading, pointer)


def _faultless(raws: Sequence[Raw], reading: Reading) -> list[Settle]:
    """Return the settles of a list in which nothing is wrong; none for any other."""
    items = parse.all_at_once(shapes.ListedItem, raws, reading.format)
    ids = parse_ids([item.job_id for item in items])
    tokens = parse_tokens([item.token for item in items])
    if ids is None or tokens is None or not _are_faultless(items, reading):
        return []
    found = zip(ids, tokens, items, strict=True)
    return [settles.BY_ITEM[type(item)](job_id, token, item, reading.format) for job_id, token, item in found]


def _are_faultless(items: Sequence[Any], reading: Reading) -> bool:
    """Tell whether there is nothing wrong with items beside their ids and tokens: mostly acks, with results at most."""
    results: set[bytes] = set()
    for item in items:
        if type(item) is shapes.ListedAck and item.result_raw is item.result_type is UNSET:
            if item.result is not UNSET:
                results.add(bytes(item.result))
        elif value_faults(item, reading):
            return False
    return all(
        len(result) <= reading.max_payload_bytes and payload_fault(result, reading.format) is None for result in results
    )


def _each(raws: Sequence[Raw], reading: Reading, pointer: str) -> list[Settle | Invalid]:
    items = parse.items(shapes.CompletionItem, raws, reading, pointer)
    return settles.each(items, reading.format, pointer)
