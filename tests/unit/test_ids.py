"""Job ids: UUIDv7, sorted as they were made, naming their shard."""

import random
import uuid

import pytest
from headrace_server.domain import limits
from headrace_server.domain.ids import (
    IdMaker,
    format_id,
    format_ids,
    group_of_queue,
    parse_id,
    parse_ids,
    shard_of_id,
    shard_of_queue,
)


def test_an_id_is_a_uuid_of_version_7_that_tells_its_millisecond() -> None:
    made = IdMaker().make(1_800_000_000_123, 5, random.getrandbits(64))
    parsed = uuid.UUID(bytes=made)
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert int.from_bytes(made[:6], "big") == 1_800_000_000_123


@pytest.mark.parametrize("shard", [0, 1, 7, limits.MAX_SHARDS - 1])
def test_an_id_names_its_shard(shard: int) -> None:
    assert shard_of_id(IdMaker().make(1, shard, 0)) == shard


def test_ids_sort_as_they_were_made_also_when_the_clock_stands_or_goes_back() -> None:
    maker = IdMaker()
    clock = [1_000] * 500 + [999] * 100 + [1_001] * 500
    ids = [maker.make(ms, 0, random.getrandbits(64)) for ms in clock]
    assert ids == sorted(set(ids))


def test_the_largest_random_bits_leave_room_for_the_next_id() -> None:
    maker = IdMaker()
    most = (1 << 64) - 1
    assert maker.make(1, 0, most) < maker.make(1, 0, most) < maker.make(2, 0, most)


def test_what_clients_see_leads_back_to_the_id() -> None:
    made = IdMaker().make(1_800_000_000_123, 5, random.getrandbits(64))
    assert parse_id(format_id(made)) == made


def test_many_ids_are_written_as_each_by_itself() -> None:
    maker = IdMaker()
    made = [maker.make(1_800_000_000_123, 5, random.getrandbits(64)) for _ in range(40)]
    for count in (0, 1, 15, 16, 40):
        assert format_ids(made[:count]) == [format_id(each) for each in made[:count]]


OTHER_TEXTS = [
    "",
    "x",
    "not-a-uuid",
    "00000000-0000-0000-0000-000000000000",
    "1bc12557-3892-42d9-9f75-a83f4fd889c2",
    format_id(IdMaker().make(1, 0, 0)).upper().replace("-", ""),
    "{" + format_id(IdMaker().make(1, 0, 0)) + "}",
    format_id(IdMaker().make(1, 0, 0)) + "\n",
    format_id(IdMaker().make(1, 0, 0)).replace("-", "", 1),
    format_id(IdMaker().make(0xA << 44, 0, 0)).upper(),
    "01909c5e6-a52-7000-8a3f-0b6f1d2c3e4f",
    "01909c5e-6a52-7000-ca3f-0b6f1d2c3e4f",
    "01909c5e-6a52-7000-8a3f-0b6f1d2c3e4g",
]


@pytest.mark.parametrize("text", OTHER_TEXTS)
def test_any_other_text_is_no_id(text: str) -> None:
    assert parse_id(text) is None


@pytest.mark.parametrize("text", OTHER_TEXTS)
def test_one_such_text_spoils_many(text: str) -> None:
    made = format_id(IdMaker().make(1, 0, 0))
    assert parse_ids([made, made]) == [parse_id(made)] * 2
    assert parse_ids([made, text, made]) is None


def test_two_wrong_lengths_do_not_make_up_for_each_other() -> None:
    made = format_id(IdMaker().make(1, 0, 0))
    assert parse_ids([made + made[0], made[1:]]) is None


def test_queues_of_one_group_share_a_shard_for_ever() -> None:
    assert group_of_queue("mail.high.eu") == "mail"
    assert shard_of_queue("mail.high", 16) == shard_of_queue("mail.low", 16) == shard_of_queue("mail", 16)
    # written into every store that has more than one shard: these numbers may never change
    assert [shard_of_queue(queue, 16) for queue in ("default", "mail", "a", "video")] == [15, 8, 3, 12]
