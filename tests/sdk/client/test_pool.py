"""Idle connections: the one used last goes first, and none is kept for long."""

from dataclasses import dataclass

from headrace._pool import KEPT_CONNECTIONS, KEPT_S, Pool


@dataclass(eq=False)
class Kept:
    """Something that can be closed."""

    is_whole: bool = True
    is_usable: bool = True
    is_closed: bool = False

    def close(self) -> None:
        self.is_closed = True


class Clock:
    """A clock that stands still until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_one_used_last_goes_first() -> None:
    pool: Pool[Kept] = Pool()
    first, second = Kept(), Kept()
    pool.give(first)
    pool.give(second)
    assert (pool.take(), pool.take(), pool.take()) == (second, first, None)


def test_one_that_cannot_be_used_is_closed_on_its_way_in_and_out() -> None:
    pool: Pool[Kept] = Pool()
    broken, stale, good = Kept(is_whole=False), Kept(), Kept()
    for each in (good, broken, stale):
        pool.give(each)
    assert broken.is_closed
    stale.is_usable = False
    assert pool.take() is good
    assert stale.is_closed
    assert not good.is_closed


def test_one_that_was_idle_for_too_long_is_closed() -> None:
    clock = Clock()
    pool: Pool[Kept] = Pool(clock=clock)
    old, young = Kept(), Kept()
    pool.give(old)
    clock.now += KEPT_S / 2
    pool.give(young)
    clock.now += KEPT_S / 2 + 1
    assert pool.take() is young
    assert old.is_closed
    assert pool.take() is None


def test_of_too_many_the_oldest_are_closed() -> None:
    pool: Pool[Kept] = Pool()
    kept = [Kept() for _ in range(KEPT_CONNECTIONS + 2)]
    for each in kept:
        pool.give(each)
    assert [each.is_closed for each in kept] == [True, True] + [False] * KEPT_CONNECTIONS


def test_a_closed_pool_keeps_nothing() -> None:
    pool: Pool[Kept] = Pool()
    idle, away = Kept(), Kept()
    pool.give(idle)
    assert pool.close() == [idle]
    pool.give(away)
    assert idle.is_closed
    assert away.is_closed
    assert pool.take() is None
