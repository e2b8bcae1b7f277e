"""Tickets and the inbox: whoever gets a job's ticket owns it, and nobody else does."""

import threading
from collections.abc import Iterator

import pytest
from headrace_worker.frames import Order
from headrace_worker.inbox import Inbox
from headrace_worker.tickets import LocalTickets, PipeTickets, Tickets

from tests.support.waiting import eventually


@pytest.fixture(params=["pipe", "local"])
def tickets(request: pytest.FixtureRequest) -> Iterator[Tickets]:
    if request.param == "local":
        yield LocalTickets()
        return
    pipe = PipeTickets.make()
    yield pipe
    pipe.close()


def orders(*keys: int) -> list[Order]:
    return [Order(key, {}) for key in keys]


def test_tickets_come_out_in_the_order_they_went_in(tickets: Tickets) -> None:
    tickets.put([3, 2**63, 1])
    assert tickets.count() == 3
    assert tickets.take(0) == []
    assert tickets.take(-1) == []
    assert tickets.take(2) == [3, 2**63]
    assert tickets.take_all() == [1]
    assert tickets.take(1) == tickets.take_all() == []
    assert tickets.count() == 0


def test_many_tickets_fit(tickets: Tickets) -> None:
    keys = list(range(1, 2_001))
    tickets.put(keys)
    assert tickets.count() == 2_000
    assert tickets.take_all() == keys


def test_each_ticket_has_one_owner_whatever_the_race(tickets: Tickets) -> None:
    """One side takes some for its slots while the other takes all back, again and again."""
    keys = list(range(1, 20_001))
    mine: list[int] = []
    theirs: list[int] = []
    all_put = threading.Event()

    def take(into: list[int], most: int | None) -> None:
        while not all_put.is_set() or tickets.count():
            into += tickets.take_all() if most is None else tickets.take(most)

    takers = [threading.Thread(target=take, args=(mine, 3)), threading.Thread(target=take, args=(theirs, None))]
    for taker in takers:
        taker.start()
    for start in range(0, len(keys), 100):
        eventually(lambda: tickets.count() < 5_000)
        tickets.put(keys[start : start + 100])
    all_put.set()
    for taker in takers:
        taker.join(30)
    assert sorted(mine + theirs) == keys


def keys_of(orders: list[Order]) -> list[int]:
    return [order.key for order in orders]


def test_as_many_start_as_slots_are_free_and_in_order(tickets: Tickets) -> None:
    inbox = Inbox(tickets, 2)
    tickets.put([1, 2, 3, 4])
    assert keys_of(inbox.put(orders(1, 2, 3, 4))) == [1, 2]
    assert keys_of(inbox.freed()) == [3]
    assert tickets.count() == 1


def test_what_was_taken_back_does_not_start(tickets: Tickets) -> None:
    inbox = Inbox(tickets, 1)
    tickets.put([1, 2])
    assert keys_of(inbox.put(orders(1, 2))) == [1]
    assert tickets.take_all() == [2]
    inbox.forget([2])
    assert inbox.freed() == []
    tickets.put([3])
    assert keys_of(inbox.put(orders(3))) == [3]


def test_a_slot_takes_no_ticket_of_a_job_that_is_on_its_way(tickets: Tickets) -> None:
    inbox = Inbox(tickets, 1)
    tickets.put([1])
    inbox.put(orders(1))
    tickets.put([2, 3])
    assert inbox.freed() == []
    assert tickets.count() == 2  # may still be taken back
    assert keys_of(inbox.put(orders(2, 3))) == [2]
    assert keys_of(inbox.freed()) == [3]


def test_a_ticket_that_comes_before_its_job_keeps_the_slot_for_it(tickets: Tickets) -> None:
    """Job 1 was taken back, but that news is behind; so the slot gets the ticket of 2, which is on its way."""
    inbox = Inbox(tickets, 1)
    assert inbox.put(orders(1)) == []
    tickets.put([2])
    assert inbox.put([]) == []
    assert tickets.count() == 0
    inbox.forget([1])
    tickets.put([3])
    assert keys_of(inbox.put(orders(2, 3))) == [2]
    assert keys_of(inbox.freed()) == [3]
