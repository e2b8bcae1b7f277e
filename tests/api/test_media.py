"""Accept: the two formats, and the stream that must be named."""

import pytest
from headrace_server.api import media
from headrace_server.api.problems import Problem
from headrace_server.domain.jobs import Format


@pytest.mark.parametrize(
    ("accept", "format"),
    [
        (None, Format.JSON),
        (b"*/*", Format.JSON),
        (b"application/msgpack", Format.MSGPACK),
        (b"application/json;q=0.5, application/msgpack", Format.MSGPACK),
        (b"text/html, application/*;q=0.8", Format.JSON),
    ],
)
def test_the_best_format_is_written(accept: bytes | None, format: Format) -> None:
    assert media.format_of_reply(accept) is format


@pytest.mark.parametrize("accept", [b"text/html", b"text/event-stream", b"application/json;q=0", b"image/*"])
def test_none_of_the_two_is_refused(accept: bytes) -> None:
    with pytest.raises(Problem) as caught:
        media.format_of_reply(accept)
    assert caught.value.status == 406


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (b"text/event-stream", True),
        (b"Text/Event-Stream", True),
        (b"text/event-stream, application/json;q=0.5", True),
        (b"application/json, text/event-stream;q=0.5", False),
        (b"*/*", False),
        (b"", False),
        (None, False),
        (b"application/msgpack", False),
    ],
)
def test_a_stream_is_wanted_where_it_is_named(accept: bytes | None, wanted: bool) -> None:
    assert media.wants_stream(accept) is wanted


def test_a_page_is_neither_a_document_nor_a_stream() -> None:
    with pytest.raises(Problem) as caught:
        media.wants_stream(b"text/html")
    assert caught.value.status == 406
