"""Treatments are given as the weights demand, at every moment, and by draws that anybody can make again."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from roomful.core.assignment import Arm, AssignmentRules, Pool, allocate, block
from tests.enrolling import arms

WEIGHTS = st.lists(st.sampled_from([1.0, 2.0, 3.0, 5.0, 0.5, 0.1, 0.25, 7.0]), min_size=1, max_size=7)


def many(rules: AssignmentRules, count: int, name: str = "x") -> list[str]:
    pool, given_out = Pool(), []
    for _ in range(count):
        allocation = allocate(rules, pool, pool.filled, name)
        if allocation is None:
            break
        pool = pool.fill(*allocation)
        given_out.append(allocation.treatment)
    return given_out


@profile(max_examples=60)
@given(WEIGHTS, st.integers(0, 1000))
def test_every_treatment_is_within_one_of_its_share_at_every_moment(weights, seed):
    rules = AssignmentRules(arms=arms(*weights), seed=seed)
    share = {arm.name: arm.weight / sum(weights) for arm in rules.arms}

    filled: Counter[str] = Counter()
    for number, treatment in enumerate(many(rules, 60), 1):
        filled[treatment] += 1
        assert all(abs(filled[name] - share[name] * number) < 1 + 1e-9 for name in share)


@pytest.mark.parametrize("weights", [(1, 1), (1, 2), (0.1, 0.3), (1, 1, 1), (2, 3)])
def test_blocks_hold_the_weights_and_come_in_more_than_one_order(weights):
    rules = AssignmentRules(arms=arms(*weights), method="blocks", seed=3)
    size = len(block(rules))

    given_out = many(rules, size * 20)
    blocks = [given_out[at : at + size] for at in range(0, len(given_out), size)]

    assert all(sorted(one) == block(rules) for one in blocks)
    assert len({tuple(one) for one in blocks}) > 1


def test_a_block_size_that_cannot_hold_the_weights_is_refused():
    with pytest.raises(ValueError, match="a multiple of 3"):
        block(AssignmentRules(arms=arms(1, 2), method="blocks", block_size=4))


def test_another_seed_or_stratum_gives_another_order():
    first = AssignmentRules(arms=arms(1, 1, 1), seed=1)
    second = AssignmentRules(arms=arms(1, 1, 1), seed=2)

    assert many(first, 30) == many(first, 30)
    assert many(first, 30) != many(second, 30)
    assert many(first, 30, "women") != many(first, 30, "men")


def test_chance_prefers_nobody():
    firsts = Counter(many(AssignmentRules(arms=arms(1, 1), seed=seed), 1)[0] for seed in range(400))

    # five standard deviations of a fair coin
    assert abs(firsts["A"] - 200) < 50


def test_the_order_of_the_settings_file_makes_no_difference():
    one = AssignmentRules(arms=arms(1, 2, 2), seed=5)
    other = AssignmentRules(arms=tuple(reversed(one.arms)), seed=5)

    assert many(one, 40) == many(other, 40)


@pytest.mark.parametrize("method", ["least_filled", "blocks"])
def test_a_quota_is_reached_and_never_passed(method):
    rules = AssignmentRules(arms=(*arms(1, 1), Arm(name="C", quota=3)), method=method, seed=5)
    all_limited = AssignmentRules(arms=arms(1, 2, quota=5), method=method)

    assert Counter(many(rules, 40))["C"] == 3
    assert len(many(rules, 40)) == 40
    assert Counter(many(all_limited, 40)) == {"A": 5, "B": 5}


@pytest.mark.parametrize("method", ["least_filled", "blocks"])
def test_a_vacant_place_is_refilled_before_a_new_one_is_opened(method):
    rules = AssignmentRules(arms=arms(1, 1, 1), method=method, seed=5)
    pool = Pool()
    for _ in range(9):
        pool = pool.fill(*allocate(rules, pool, {}, "x"))
    pool = pool.vacate("B").vacate("B").vacate("C")

    refilled = []
    for _ in range(3):
        allocation = allocate(rules, pool, {}, "x")
        assert allocation.place is None
        pool = pool.fill(*allocation)
        refilled.append(allocation.treatment)

    assert sorted(refilled) == ["B", "B", "C"]
    assert allocate(rules, pool, {}, "x").place == 10


def test_a_treatment_of_weight_zero_is_never_drawn():
    rules = AssignmentRules(arms=arms(1, 0, 1), seed=5)

    assert set(many(rules, 30)) == {"A", "C"}
    assert many(AssignmentRules(arms=arms(0)), 1) == []
