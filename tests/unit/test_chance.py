"""Random numbers that are asked of the kernel many at a time."""

from headrace_server.engine.chance import Chance

MANY = 1_000  # several times what is asked for at once


def test_every_number_is_given_out_once() -> None:
    chance = Chance()
    singles = [chance.draw() for _ in range(MANY)]
    assert len({*singles, *chance.draws(MANY)}) == 2 * MANY


def test_all_64_bits_are_random() -> None:
    chance = Chance()
    ever = never = 0
    for number in [chance.draw() for _ in range(MANY)]:
        ever |= number
        never |= ~number
    assert ever & never & (1 << 64) - 1 == (1 << 64) - 1
    assert ever < 1 << 64


def test_two_sources_share_nothing() -> None:
    one, other = Chance(), Chance()
    assert not {one.draw() for _ in range(MANY)} & {other.draw() for _ in range(MANY)}
