"""Chance as a function of a name."""

import re
from math import exp
from statistics import fmean

from hypothesis import given
from hypothesis import strategies as st

from roomful.core import chance
from roomful.core.chance import choose, derive, draw, exponential, identifier, lognormal

NAME = st.lists(st.text() | st.integers(), max_size=3)


@given(st.integers(), NAME)
def test_the_same_seed_and_name_give_the_same_number(seed, name):
    assert draw(seed, *name) == draw(seed, *name)
    assert 0 <= draw(seed, *name) < 1
    assert 0 <= derive(seed, *name) < 2**53


@given(st.integers(), st.integers(), NAME, NAME)
def test_other_seeds_and_names_give_other_numbers(seed, other_seed, name, other):
    assert (draw(seed, *name) == draw(other_seed, *other)) == ((seed, name) == (other_seed, other))


def test_parts_of_a_name_do_not_run_together():
    assert len({draw(1, "a", "bc"), draw(1, "ab", "c"), draw(1, "abc"), draw(1, 1), draw(1, "1"), draw(11)}) == 6


def test_a_part_of_a_name_counts_the_same_when_it_was_forgotten(monkeypatch):
    names = [("clock", number) for number in range(20)]
    known = [draw(1, *name) for name in names]
    monkeypatch.setattr(chance._Parts, "most", 3)
    chance._PARTS.clear()

    assert [draw(1, *name) for name in names] == known
    assert len(chance._PARTS) <= 3


def test_numbers_do_not_change_from_release_to_release():
    assert draw(7, "clock", 1) == 0.9622013642363196
    assert derive(7, "session") == 4_987_414_691_120_168
    assert identifier(7, "message", 1) == "9e6017ff-867e-4dee-ae11-8bac7ff82dc9"


@given(st.integers(), NAME)
def test_an_identifier_is_a_uuid(seed, name):
    found = identifier(seed, *name)

    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", found)


def test_draws_are_uniform():
    draws = [draw(3, "u", number) for number in range(20_000)]

    assert abs(fmean(draws) - 1 / 2) < 4 * (1 / 12 / len(draws)) ** 0.5
    assert abs(fmean(u * u for u in draws) - 1 / 3) < 4 * (4 / 45 / len(draws)) ** 0.5


def test_distributions_have_their_means():
    draws = [draw(3, "u", number) for number in range(20_000)]
    waits = [exponential(10, u) for u in draws]
    words = [lognormal(3, 0.5, u) for u in draws]

    assert abs(fmean(waits) - 10) < 4 * 10 / len(draws) ** 0.5
    mean = 3 * exp(0.5**2 / 2)
    assert abs(fmean(words) - mean) < 4 * mean * (exp(0.5**2) - 1) ** 0.5 / len(draws) ** 0.5


def test_the_ends_of_a_draw_are_finite():
    for u in (0.0, 1 - 2**-53):
        assert 0 <= exponential(1, u) < 100
        assert 0 < lognormal(1, 1, u) < 1e6
        assert choose("abc", u) in "abc"


def test_each_option_is_chosen_alike():
    chosen = [choose("abc", draw(5, number)) for number in range(9_000)]

    for option in "abc":
        assert abs(chosen.count(option) - 3_000) < 4 * (9_000 * 2 / 9) ** 0.5
