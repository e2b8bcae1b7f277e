"""Messages on the pipe: cut anywhere, they come out whole; and nothing that the child says may run code."""

import itertools
import pickle

import msgpack
import pytest
from headrace_worker import bounds
from headrace_worker.frames import (
    Down,
    Order,
    Splitter,
    Up,
    pack_down,
    pack_up,
    unpack_down,
    unpack_up,
)
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.binary(max_size=50), max_size=8), st.lists(st.integers(0, 400), max_size=12))
def test_frames_survive_any_cut(texts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(pack_up(Up.DONE, [text]) for text in texts)
    places = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    splitter = Splitter()
    heard = [unpack_up(body) for start, end in itertools.pairwise(places) for body in splitter.feed(stream[start:end])]
    assert heard == [(Up.DONE, [text]) for text in texts]


def test_an_order_keeps_what_json_and_msgpack_can_hold() -> None:
    order = Order(7, {"payload": [2**200, b"\x00", {1: None}, 1.5]})
    (body,) = Splitter().feed(pack_down(Down.RUN, [order]))
    assert unpack_down(body) == (Down.RUN, [order])


def test_an_absurd_length_is_a_fault() -> None:
    with pytest.raises(ValueError, match="a frame of"):
        list(Splitter().feed((bounds.FRAME_BYTES + 1).to_bytes(4, "big")))


def test_the_supervisor_reads_no_pickles() -> None:
    with pytest.raises((ValueError, msgpack.UnpackException)):
        unpack_up(pickle.dumps(("done", [])))
