"""What carries a task's arguments and results: json by default, msgpack, pickle where it is switched on, or one's own.

`App.serializers` writes a payload when a task is sent and reads it in the worker, and the result on its way back. What
JSON has no word for travels in tags that any language can read (docs/guide/serializers.md).
"""

import pickle
import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

from headrace._codec import JSON, MSGPACK, codec_of
from headrace._tags import tagged, untagged
from headrace.errors import ContentRefused
from headrace.models import Raw


@dataclass(frozen=True)
class Serializer:
    """One way to write values as bytes and to read them again."""

    name: str  # what tasks and settings call it
    media_type: str  # what its bytes are labelled with on their way
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]


class PickleAccepted(UserWarning):
    """This process unpickles what the server hands it."""


_PICKLE: Final = Serializer("pickle", "application/x-python-pickle", pickle.dumps, pickle.loads)
_WHY: Final = (
    "this app accepts pickle: whoever can put a job into its queues, or a result on its jobs, can run any code in this "
    "process. Use json or msgpack, unless everybody who reaches the server is trusted like the code itself."
)


def _json_encode(value: Any) -> bytes:
    return JSON.encode(tagged(value))


def _json_decode(data: bytes) -> Any:
    return untagged(JSON.decode(data))


def _msgpack_encode(value: Any) -> bytes:
    return MSGPACK.encode(tagged(value, binary=True))


def _msgpack_decode(data: bytes) -> Any:
    return untagged(MSGPACK.decode(data))


_BUILT_IN: Final = (
    Serializer("json", JSON.media_type, _json_encode, _json_decode),
    Serializer("msgpack", MSGPACK.media_type, _msgpack_encode, _msgpack_decode),
    _PICKLE,
)


def _all_but_pickle() -> None:
    return None


class Serializers:
    """The serializers that an app knows, by name.

    `accepted` tells which of them this side may use, by name or media type (`app.conf.accept_content`); None: all but
    pickle. json and msgpack are plain data, which the server may turn into each other: they are always accepted.
    """

    def __init__(self, accepted: Callable[[], Collection[str] | None] = _all_but_pickle) -> None:
        self._accepted = accepted
        self._by_name = {each.name: each for each in _BUILT_IN}
        self._warned = False

    def register(self, serializer: Serializer) -> None:
        """Add a serializer, on the side that sends as on the side that works.

        Raises ValueError for a name or a media type that is taken; those of JSON and msgpack are.
        """
        if serializer.name in self._by_name or self._find(serializer.media_type) is not None:
            raise ValueError(f"there is a serializer {serializer.name!r} or one for {serializer.media_type} already")
        if codec_of(serializer.media_type) is not None:
            raise ValueError(f"{serializer.media_type} is JSON or msgpack, which headrace reads itself")
        self._by_name[serializer.name] = serializer

    def encode(self, value: Any, name: str = "json", *, of: str = "payload") -> Any:
        """Return a value in the form in which it travels: plain JSON values, or Raw for any serializer but json.

        A Raw travels as it is, whatever the serializer. `of`: what it is, for messages. Raises NotWritable (a
        TypeError) for what cannot be written, TypeError where a serializer of one's own gives up, ContentRefused for
        one that is not accepted, ValueError for an unknown name.
        """
        serializer = self._by_name.get(name)
        if serializer is None:
            raise ValueError(f"there is no serializer {name!r}; there are {', '.join(self._by_name)}")
        if isinstance(value, Raw):
            return value
        if name == "json":
            return tagged(value, path=(of,))
        if name == "msgpack":
            plain = tagged(value, path=(of,), binary=True)
            return Raw(MSGPACK.encode(plain, (of,)), MSGPACK.media_type)
        self._admit(serializer)
        try:
            return Raw(serializer.encode(value), serializer.media_type)
        except Exception as error:
            raise TypeError(f"{of}: {name} cannot write this {type(value).__name__}: {error}") from error

    def decode(self, content: Any, *, raw: bool = False) -> Any:
        """Return the value of what `encode` returned, or of what another language sent.

        `raw`: bytes of a type that has no serializer are returned as they are (Raw). Raises ContentRefused for those
        otherwise, for a serializer that is not accepted here, and for what cannot be read.
        """
        try:
            if not isinstance(content, Raw):
                return untagged(content)
            serializer = self._find(content.media_type)
            if serializer is None and raw:
                return content
            return self._admit(serializer, content.media_type).decode(content.data)
        except ContentRefused:
            raise
        except Exception as error:  # a serializer of one's own may raise anything
            raise ContentRefused(f"this content cannot be read ({type(error).__name__}: {error})") from error

    def check(self) -> None:
        """Warn, once, where pickle is accepted (PickleAccepted). A worker asks at its start, a client at first use."""
        if not self._warned and self._accepts(_PICKLE):
            self._warned = True
            warnings.warn(_WHY, PickleAccepted, stacklevel=3)

    def _find(self, media_type: str) -> Serializer | None:
        essence = media_type.partition(";")[0].strip().lower()
        return next((each for each in self._by_name.values() if each.media_type == essence), None)

    def _admit(self, serializer: Serializer | None, media_type: str = "") -> Serializer:
        if serializer is None:
            raise ContentRefused(
                f"this app has no serializer for {media_type or 'content without a type'}; "
                f"give it one: app.serializers.register(Serializer(...))"
            )
        if not self._accepts(serializer):
            raise ContentRefused(
                f"this app does not accept {serializer.name} ({serializer.media_type}); "
                f"name it in app.conf.accept_content if you want that"
            )
        self.check()
        return serializer

    def _accepts(self, serializer: Serializer) -> bool:
        accepted = self._accepted()
        if serializer.media_type in (JSON.media_type, MSGPACK.media_type):
            return True
        if accepted is None:
            return serializer is not _PICKLE
        return serializer.name in accepted or serializer.media_type in accepted
