"""JSON and msgpack: values into bytes and back; it must not know what the values mean."""

import base64
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

import msgpack  # type: ignore[import-untyped]

from headrace.models import Raw

Format: TypeAlias = Literal["json", "msgpack"]
Path: TypeAlias = tuple[str | int, ...]

# What to do with the types that people try first.
_WAY_OUT: Final[dict[str, str]] = {
    "datetime": "send value.isoformat() and read it with datetime.fromisoformat()",
    "date": "send value.isoformat() and read it with date.fromisoformat()",
    "time": "send value.isoformat() and read it with time.fromisoformat()",
    "timedelta": "send value.total_seconds()",
    "bytes": 'use format="msgpack", or send base64 text',
    "bytearray": 'use format="msgpack" and bytes(value), or send base64 text',
    "Decimal": "send str(value)",
    "UUID": "send str(value)",
    "set": "send sorted(value) or list(value)",
    "frozenset": "send sorted(value) or list(value)",
    "int": 'beyond 64 bits use format="json", beyond 4,300 digits send text',
    "float": "NaN and the infinities have no place in JSON: send None or a string",
    "str": "it holds half a surrogate pair, which UTF-8 cannot write",
}


class NotWritable(TypeError):
    """A value that the chosen format cannot write; `path` leads to it from the request body."""

    def __init__(self, path: Path, value: object, format_name: str) -> None:
        super().__init__(path, type(value).__name__, format_name)
        self.path = path
        self.type_name = type(value).__name__
        self.format_name = format_name

    def __str__(self) -> str:
        return self.describe(_spell(self.path))

    def describe(self, name: str) -> str:
        """Return the message with `name` as the name of the culprit."""
        way_out = _WAY_OUT.get(self.type_name, "send plain dicts, lists, strings, numbers, booleans or None")
        return f"{name}: {self.format_name} cannot write this {self.type_name}; {way_out}"


@dataclass(frozen=True)
class Codec:
    """One way to write values."""

    name: Format
    media_type: str
    _dump: Callable[[Any], bytes]
    _load: Callable[[bytes], Any]
    _writes: Callable[[Any], bool]

    def encode(self, value: Any, path: Path = ()) -> bytes:
        """Return `value`, which stands at `path`, as bytes.

        Raises NotWritable (a TypeError) that names what cannot be written.
        """
        try:
            return self._dump(value)
        except (TypeError, ValueError, OverflowError):
            for place, leaf in _leaves(value, path):
                if not self._writes(leaf):
                    raise NotWritable(place, leaf, self.name) from None
            raise  # too deep, or a circle

    def decode(self, data: bytes) -> Any:
        """Return the value in `data`. Raises ValueError for bytes that are not in this format."""
        return self._load(data)

    def binary(self, data: bytes) -> Any:
        """Return bytes as documents of this format carry them: `value_of` reads both ways."""
        return data if self.name == "msgpack" else base64.b64encode(data).decode()


_JSON_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _dump_json(value: Any) -> bytes:
    return _JSON_ENCODER.encode(value).encode()  # json.dumps would make an encoder for each call


def _load_json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        # CPython refuses integers of more than 4,300 digits; one such number must not spoil a whole batch
        return json.loads(data, parse_int=_integer)


def _integer(digits: str) -> int | Decimal:
    try:
        return int(digits)
    except ValueError:
        return Decimal(digits)


def _json_writes(leaf: Any) -> bool:
    if isinstance(leaf, float):
        return math.isfinite(leaf)
    return leaf is None or (isinstance(leaf, int) and _has_digits(leaf)) or _is_text(leaf)


def _dump_msgpack(value: Any) -> bytes:
    return bytes(msgpack.packb(value))


def _load_msgpack(data: bytes) -> Any:
    try:
        return msgpack.unpackb(data, strict_map_key=False)
    except TypeError:  # a map whose keys Python cannot hash: leave it as pairs
        return msgpack.unpackb(data, strict_map_key=False, object_pairs_hook=_dict_or_pairs)
    except (msgpack.UnpackException, RecursionError, OverflowError) as error:
        raise ValueError(f"not msgpack: {error}") from error


def _dict_or_pairs(pairs: list[tuple[Any, Any]]) -> Any:
    try:
        return dict(pairs)
    except TypeError:
        return pairs


def _msgpack_writes(leaf: Any) -> bool:
    if isinstance(leaf, int) and not isinstance(leaf, bool):
        return -(2**63) <= leaf < 2**64
    return leaf is None or isinstance(leaf, bool | float | bytes | bytearray) or _is_text(leaf)


def _has_digits(leaf: int) -> bool:
    try:
        return bool(int.__repr__(leaf))
    except ValueError:  # CPython writes no more than 4,300 digits
        return False


def _is_text(leaf: Any) -> bool:
    if not isinstance(leaf, str):
        return False
    try:
        leaf.encode()
    except UnicodeEncodeError:
        return False
    return True


def _leaves(value: Any, path: Path, depth: int = 0) -> Iterator[tuple[Path, Any]]:
    if depth > 100:  # deeper than any server takes, and an end to circles
        return
    if isinstance(value, Mapping) and isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key if isinstance(key, int) else str(key)), depth + 1)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index), depth + 1)
    else:
        yield path, value


def _spell(path: Path) -> str:
    head, *rest = path or ("value",)
    return str(head) + "".join(f"[{part!r}]" for part in rest)


JSON: Final = Codec("json", "application/json", _dump_json, _load_json, _json_writes)
MSGPACK: Final = Codec("msgpack", "application/msgpack", _dump_msgpack, _load_msgpack, _msgpack_writes)
CODECS: Final[dict[str, Codec]] = {JSON.name: JSON, MSGPACK.name: MSGPACK}


def codec_of(media_type: str) -> Codec | None:
    """Return the codec of a Content-Type, or None for a type that is neither JSON nor msgpack."""
    essence = media_type.partition(";")[0].strip().lower()
    if essence == "application/json" or essence.endswith("+json"):
        return JSON
    if essence in ("application/msgpack", "application/vnd.msgpack", "application/x-msgpack") or essence.endswith(
        "+msgpack"
    ):
        return MSGPACK
    return None


def value_of(data: bytes | str, media_type: str) -> Any:
    """Return the value of raw bytes (base64 text where a JSON document carried them).

    Raw stands for what this client cannot read: one odd job must not spoil the batch it came in.
    """
    content = base64.b64decode(data) if isinstance(data, str) else data
    codec = codec_of(media_type)
    if codec is None:
        return Raw(content, media_type)
    try:
        return codec.decode(content)
    except (ValueError, TypeError):
        return Raw(content, media_type)
