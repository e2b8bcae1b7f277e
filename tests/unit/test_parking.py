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
    assert vars(parking) == {"_by_name": {}, "_early": {}}


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


def test_who_was_woken_early_is_not_woken_for_again() -> None:
    parking = Parking()
    first, second, third = (parking.enter(["q"]) for _ in range(3))
    assert parking.wake_early("q", 1) == 1
    first.arm()  # it looks, and the message comes
    parking.hear("q", 2)
    assert (first.woken, second.woken, third.woken) == (True, False, False)
    parking.hear("q", 1)
    assert second.woken


def test_who_looked_too_early_looks_again_and_expects_nothing() -> None:
    parking = Parking()
    ticket = parking.enter(["q"])
    parking.wake_early("q", 1)
    ticket.arm()
    assert parking.came_early(ticket)
    assert not parking.came_early(ticket)
    parking.hear("q", 1)
    assert ticket.woken


@pytest.mark.parametrize("how", ["nothing was written", "all are woken"])
def test_a_message_that_does_not_come_is_not_expected_for_ever(how: str) -> None:
    parking = Parking()
    first, second = (parking.enter(["q"]) for _ in range(2))
    parking.wake_early("q", 1)
    if how == "nothing was written":
        assert parking.forget_early("q", 1) == 1
    else:
        parking.wake_all()
        second.arm()
    first.arm()
    parking.hear("q", 2)
    assert (first.woken, second.woken) == (True, True)


def test_the_first_wake_up_begins_what_a_ticket_wants_begun() -> None:
    parking = Parking()
    ticket = parking.enter(["q"])
    begun: list[int] = []
    ticket.on_wake = lambda: begun.append(1)
    parking.wake("q", 1)
    ticket.arm()
    parking.wake("q", 1)
    assert begun == [1]
