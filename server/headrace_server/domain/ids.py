"""Job ids: UUIDv7 (RFC 9562) whose 12 bits of rand_a name the shard; it must not read a clock or a random source."""

import re
import struct
import zlib
from binascii import hexlify
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, chain

ID_BYTES = 16
_RAND_B = (1 << 62) - 1  # the bits of the fields of RFC 9562, section 5.7
_VARIANT = 0b10 << 62
_STEP = (1 << 32) - 1
_PACK = struct.Struct(">QQ").pack
_UNIX_MS = (1 << 48) - 1
_CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_ID_CHARS, _HYPHENS = 36, (8, 13, 18, 23)
_ID_DIGITS, _VERSION_AT, _VARIANT_AT, _VARIANTS = 32, 12, 16, frozenset("89ab")
_FORM = b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx "
_DIGIT_PLACES = [place for place, char in enumerate(_FORM) if char == ord("x")]
_MANY = 16  # ids: fewer are written faster one by one
_SIXTEEN = struct.Struct("16s")


class IdMaker:
    """Makes ids that sort in the order they were made, also within one millisecond.

    Jobs that are due at the same millisecond become ready in the order of their ids, so the order of ids is the
    first-in-first-out order of one process.
    """

    def __init__(self) -> None:
        self._last_ms = 0
        self._low = 0

    def make(self, unix_ms: int, shard: int, random_bits: int) -> bytes:
        """Return a new 16-byte id; `random_bits` are at least 62 fresh random bits as an integer."""
        random_bits &= _RAND_B
        if unix_ms > self._last_ms:
            self._last_ms, self._low = unix_ms, random_bits >> 1  # the top bit stays free for the steps below
        else:
            self._low += 1 + (random_bits & _STEP)
        return _PACK(self._high(shard), _VARIANT | self._low & _RAND_B)

    def make_many(self, unix_ms: int, shard: int, draws: Sequence[int]) -> bytes:
        """Return the ids, joined, that `make` would return one after the other; at least one of `draws`."""
        self.make(unix_ms, shard, draws[0])
        lows = [*accumulate([1 + (bits & _STEP) for bits in draws[1:]], initial=self._low)]
        self._low = lows[-1]
        high = self._high(shard)
        return b"".join([_PACK(high, _VARIANT | low & _RAND_B) for low in lows])

    def _high(self, shard: int) -> int:
        return (self._last_ms & _UNIX_MS) << 16 | 0x7000 | shard


def slot_id(slot_ms: int, shard: int, digest: int) -> bytes:
    """Return the 16-byte id of the job for a schedule's slot: the same whoever makes it; `digest` has 64 bits."""
    high = (slot_ms & _UNIX_MS) << 16 | 0x7000 | shard
    return (high << 64 | _VARIANT | digest & _RAND_B).to_bytes(16, "big")


def shard_of_id(job_id: bytes) -> int:
    """Return the shard that a 16-byte id names."""
    return int.from_bytes(job_id[6:8], "big") & 0xFFF


def group_of_queue(queue: str) -> str:
    """Return the part of a queue's name up to its first dot: queues of one group share a shard."""
    return queue.partition(".")[0]


@lru_cache(maxsize=10_000)
def shard_of_queue(queue: str, shards: int) -> int:
    """Return the shard a queue lives on; the answer may never change while data exists."""
    return zlib.crc32(group_of_queue(queue).encode()) % shards


def format_id(job_id: bytes) -> str:
    """Return the 36 characters that clients see."""
    text = job_id.hex()  # uuid.UUID would do the same ten times slower, for every job of every list
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def format_ids(ids: Sequence[bytes]) -> list[str]:
    """Return what clients see of many ids, in a fifth of the time."""
    return format_joined(b"".join(ids)) if len(ids) >= _MANY else [format_id(job_id) for job_id in ids]


def format_joined(ids: bytes) -> list[str]:
    """Return the same of ids that come joined: one digit of all of them after the other is put in its place."""
    digits = hexlify(ids)
    texts = bytearray(_FORM * (len(ids) // 16))
    for place, digit in enumerate(_DIGIT_PLACES):
        texts[digit :: len(_FORM)] = digits[place::_ID_DIGITS]
    return texts.decode().split()


def parse_ids(texts: Sequence[str]) -> list[bytes] | None:
    """Return the 16 bytes of many ids in their canonical form; None where one of them is in no such form.

    What stands at one place of each is a stride of all, so a few looks are enough for a hundred.
    """
    joined, n = "".join(texts), len(texts)
    digits = joined.replace("-", "")
    is_canonical = (
        set(map(len, texts)) <= {_ID_CHARS}
        and len(digits) == _ID_DIGITS * n
        and all(joined[place::_ID_CHARS] == "-" * n for place in _HYPHENS)
        and digits[_VERSION_AT::_ID_DIGITS] == "7" * n
        and set(digits[_VARIANT_AT::_ID_DIGITS]) <= _VARIANTS
    )
    return sixteens(digits) if is_canonical else None


def sixteens(digits: str) -> list[bytes] | None:
    """Return the bytes that small hexadecimal digits stand for, 16 by 16; None where there is anything else."""
    try:
        found = bytes.fromhex(digits)
    except ValueError:
        return None
    if found.hex() != digits:  # there are capitals, or spaces
        return None
    return list(chain.from_iterable(_SIXTEEN.iter_unpack(found)))


def parse_id(text: str) -> bytes | None:
    """Return the 16 bytes of an id in its canonical form, or None: such a job cannot exist."""
    return bytes.fromhex(text.replace("-", "")) if _CANONICAL.fullmatch(text) else None
