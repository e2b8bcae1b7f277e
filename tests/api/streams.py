"""A reader of server-sent events on a plain socket, which reads no faster than it is told to."""

import http.client
import json
from types import TracebackType
from typing import Any

from tests.api.raw import Connection, request
from tests.support.contract import stream_faults

Block = dict[str, str]


class Stream:
    """One GET /v1/events with `Accept: text/event-stream`; more header `lines` as they are."""

    def __init__(self, url: str, query: str = "", *lines: str, receive_buffer: int | None = None) -> None:
        self.connection = Connection(url, receive_buffer=receive_buffer)
        wish = "Accept: text/event-stream"
        self.connection.send(request("GET", f"/v1/events{query}", None, wish, *lines))
        self.reply = http.client.HTTPResponse(self.connection.socket)
        self.reply.begin()
        assert self.reply.getheader("content-type") == "text/event-stream", self.reply.read()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.reply.close()
        self.connection.close()

    def block(self) -> Block | None:
        """Return the fields of the next block, a comment under the name ""; None when the stream has ended."""
        lines: list[bytes] = []
        while (line := self.reply.readline()) != b"\n":
            if not line:
                assert lines == [], "the stream broke off within a block"
                return None
            lines.append(line)
        assert [*stream_faults(b"".join(lines))] == []
        parts = (line.decode().rstrip("\n").partition(":") for line in lines)
        return {name: value.strip() for name, _, value in parts}

    def event(self) -> dict[str, Any]:
        """Return the next event, past everything that is none."""
        while (block := self.block()) is not None:
            if "data" in block:
                found: dict[str, Any] = json.loads(block["data"])
                return found
        raise AssertionError("the stream has ended")

    def events(self, count: int) -> list[dict[str, Any]]:
        return [self.event() for _ in range(count)]

    def id(self) -> str:
        """Return the next id that is given without an event: the place where a stream begins."""
        while (block := self.block()) is not None:
            if set(block) <= {"id", ""} and "id" in block:
                return block["id"]
        raise AssertionError("the stream has ended")
