"""Who is woken, and in which order."""

import pytest
from headrace_server.engine.parking import Parking


def test_the_first_in_line_are_woken() -> None:
    parking = Parking()
    first, second, third = (parking.enter(["q"]) for _ in range(3))
    parking.wake("q", 2)
    assert [ticket.woken for ticket in (first, second, third)] == [True, True, False]


def test_who_is_awake_is_not_counted_again() -> None:
    parking = Parking()
    first, second = (parking.enter(["q"]) for _ in range(2))
    parking.wake("q", 1)
    parking.wake("q", 1)
    assert (first.woken, second.woken) == (True, True)


def test_a_wake_up_not_used_goes_to_the_next_in_line() -> None:
    parking = Parking()
    first, second = (parking.enter(["q"]) for _ in range(2))
    parking.wake("q", 1)
    parking.leave(first)
    assert second.woken


def test_a_wake_up_that_was_used_goes_to_nobody() -> None:
    parking = Parking()
    first, second = (parking.enter(["q"]) for _ in range(2))
    parking.wake("q", 1)
    first.arm()
    parking.leave(first)
    assert not second.woken


def test_a_wake_up_for_another_queue_than_the_one_that_served_goes_to_the_next_in_line() -> None:
    parking = Parking()
    first, second, third = parking.enter(["b", "a"]), parking.enter(["a"]), parking.enter(["b"])
    parking.wake("a", 1)
    first.arm()
    parking.leave(first, served={"b"})
    assert (second.woken, third.woken) == (True, False)


def test_only_the_queue_that_was_named_is_woken() -> None:
    parking = Parking()
    both, other = parking.enter(["a", "b"]), parking.enter(["b"])
    parking.wake("a", 5)
    assert (both.woken, other.woken) == (True, False)


def test_everybody_is_woken_and_nothing_is_left_behind() -> None:
    parking = Parking()
    tickets = [parking.enter(["a", "b"]), parking.enter(["c"])]
    assert len(parking) == 2
    parking.wake_all()
    assert all(ticket.woken for ticket in tickets)
    for ticket in tickets:
        parking.leave(ticket)
    assert len(parking) == 0
    assert vars(parking) == {"_by_name": {}}


def test_a_queue_that_is_named_twice_is_one_queue() -> None:
    parking = Parking()
    twice, next_in_line = parking.enter(["a", "b", "a"]), parking.enter(["a"])
    parking.wake("a", 2)
    assert (twice.woken, next_in_line.woken) == (True, True)
    parking.leave(twice)
    assert len(parking) == 1


@pytest.mark.anyio
async def test_a_wake_up_between_looking_and_waiting_is_not_lost() -> None:
    parking = Parking()
    ticket = parking.enter(["q"])
    ticket.arm()
    parking.wake("q", 1)
    assert await ticket.wait(0.0)
    ticket.arm()
    assert not await ticket.wait(0.0)
