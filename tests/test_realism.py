"""The twelve statistics, the text markers and the distances, beside numpy's and scipy's and beside sums by hand."""

import json
import math
from collections import Counter
from dataclasses import replace
from importlib.resources import files
from itertools import permutations

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from roomful.core.chance import draw
from roomful.realism import CORPORA, NAMES, TIMING, Post, Sessions, compare, corpus, markers, measure, statistics
from roomful.realism.classifier import RIDGE, fitted, solved, two_sample_auc
from roomful.realism.markers import near_duplicates
from roomful.realism.measures import aba_excess, burstiness, gini, self_excess, word_count
from roomful.realism.numeric import rank_area, rank_correlation, ranks, wasserstein
from roomful.realism.references import DATA, RANGES

TEXTS = st.text("ab ?.Z", max_size=20)
POSTS = st.builds(
    Post, at=st.integers(0, 400).map(lambda tenths: tenths / 4), sender=st.sampled_from("ABCDE"), text=TEXTS
)
ROOMS = st.lists(POSTS, min_size=12, max_size=40).filter(lambda posts: len({post.sender for post in posts}) > 1)
NUMBERS = st.lists(st.integers(-20, 20).map(float), min_size=2, max_size=30)


def room(senders: str, gap: float = 10.0, text: str = "four words of text") -> list[Post]:
    return [Post(number * gap, sender, text) for number, sender in enumerate(senders)]


def about(value: float | None) -> object:
    return None if value is None or math.isnan(value) else pytest.approx(value, abs=1e-9)


# --- beside numpy and scipy


def quotient(waits: np.ndarray) -> float:
    """Kim and Jo's equation 22, as it stands."""
    n, r = len(waits), np.std(waits) / np.mean(waits)
    return (np.sqrt(n + 1) * r - np.sqrt(n - 1)) / ((np.sqrt(n + 1) - 2) * r + np.sqrt(n - 1))


def spearman(xs: np.ndarray, ys: np.ndarray) -> float | None:
    if len(np.unique(xs)) < 2 or len(np.unique(ys)) < 2:
        return None
    return scipy.stats.spearmanr(xs, ys).statistic


def independent(posts: list[Post]) -> dict[str, float | None]:
    """The statistics again, with arrays."""
    posts = sorted(posts, key=lambda post: post.at)
    at = np.array([post.at for post in posts])
    who = np.array([post.sender for post in posts])
    words = np.array([max(len(post.text.split()), 1) for post in posts])
    waits, counts = np.diff(at), np.unique(who, return_counts=True)[1]
    same = who[1:] == who[:-1]
    own = [np.diff(at[who == one]) for one in np.unique(who) if (who == one).sum() >= 6]
    own = [quotient(its) for its in own if its.sum() > 0]
    clipped = np.maximum(waits, 1)
    three = (who[:-2] != who[1:-1]) & (who[1:-1] != who[2:])
    n = len(who)
    shuffled = [
        counts[b] * counts[a] * (counts[c] - (a == c))
        for a, b, c in np.ndindex(len(counts), len(counts), len(counts))
        if b not in (a, c)
    ]
    returned = [counts[b] * counts[a] * (counts[a] - 1) for a, b in permutations(range(len(counts)), 2)]
    pairs = np.abs(counts[:, None] - counts[None, :]).sum()
    k = len(counts)
    told = same.sum() >= 3 and (~same).sum() >= 3
    return {
        "B_room": quotient(waits) if waits.sum() > 0 else None,
        "M_room": spearman(waits[:-1], waits[1:]),
        "B_person": np.mean(own) if own else None,
        "sd_ln_gap": np.std(np.log(clipped)),
        "self_excess": same.mean() - (counts * (counts - 1)).sum() / (n * (n - 1)),
        "aba_excess": (who[:-2] == who[2:])[three].mean() - sum(returned) / sum(shuffled) if three.any() else None,
        "ln_self/turn": np.log(max(np.median(waits[same]), 1) / max(np.median(waits[~same]), 1)) if told else None,
        "gini": pairs / (2 * k * counts.sum()) * k / (k - 1),
        "rho_len_gap": spearman(np.log(words[1:]), waits),
        "mean_ln_words": np.log(words).mean(),
        "sd_ln_words": np.log(words).std(),
        "one_word": (words == 1).mean(),
    }


@given(ROOMS)
def test_the_statistics_are_those_that_numpy_and_scipy_compute(posts):
    found = statistics(posts)

    assert found is not None
    assert tuple(found) == NAMES
    for name, value in independent(posts).items():
        assert found[name] == about(value), name


@given(ROOMS)
def test_a_statistic_stays_within_its_range(posts):
    found = statistics(posts)

    assert found is not None
    for name, value in found.items():
        low, high = RANGES[name]
        assert value is None or low - 1e-9 <= value <= high + 1e-9, name


@given(NUMBERS, NUMBERS)
def test_distances_and_areas_are_those_of_scipy(xs, ys):
    assert wasserstein(xs, ys) == pytest.approx(scipy.stats.wasserstein_distance(xs, ys))
    assert ranks(xs) == list(scipy.stats.rankdata(xs))
    above = scipy.stats.mannwhitneyu(xs, ys, method="asymptotic").statistic
    assert rank_area(xs, ys) == pytest.approx(above / (len(xs) * len(ys)))


@given(st.lists(st.tuples(*[st.integers(-9, 9).map(float)] * 2), min_size=3, max_size=30))
def test_a_rank_correlation_is_that_of_scipy(pairs):
    xs, ys = np.array(pairs).T

    assert rank_correlation(list(xs), list(ys)) == about(spearman(xs, ys) if len(pairs) > 1 else None)


def cloud(count: int, shift: float, seed: int, size: int = 3) -> list[list[float]]:
    """Sessions of a few features, normally distributed about `shift`."""
    drawn = np.random.default_rng(seed).normal(shift, 1, (count, size))
    return [[float(value) for value in row] for row in drawn]


@pytest.mark.parametrize("shift", [0.0, 0.7, 6.0])
def test_the_classifier_finds_the_least_loss_that_scipy_finds(shift):
    rows = [*cloud(40, shift, 1), *cloud(50, 0.0, 2)]
    labels = [1.0] * 40 + [0.0] * 50
    features, signs = np.column_stack([np.ones(90), rows]), np.where(np.array(labels) == 1, 1, -1)

    def loss(weights: np.ndarray) -> float:
        return np.logaddexp(0, -signs * (features @ weights)).sum() + RIDGE / 2 * (weights[1:] ** 2).sum()

    found = fitted(rows, labels)

    best = scipy.optimize.minimize(loss, np.zeros(4), tol=1e-12)
    assert loss(np.array(found)) <= best.fun + 1e-6
    assert found == pytest.approx(best.x, abs=1e-3)


@given(st.lists(st.lists(st.integers(-9, 9), min_size=4, max_size=4), min_size=4, max_size=8))
def test_linear_equations_are_solved_as_numpy_solves_them(rows):
    matrix = np.array(rows).T @ np.array(rows) + np.eye(4)
    right = np.arange(4.0)

    assert solved(matrix.tolist(), right.tolist()) == pytest.approx(np.linalg.solve(matrix, right), abs=1e-6)


# --- by hand


def test_a_clockwork_is_minus_one_and_a_single_burst_is_one():
    assert burstiness([5.0] * 20) == -1
    assert burstiness([0.0] * 19 + [7.0]) == pytest.approx(1)


def test_a_memoryless_clock_has_hardly_any_burstiness_however_short_the_session():
    sessions = [[-math.log1p(-draw(seed, "gap", n)) for n in range(12)] for seed in range(2000)]

    found = np.mean([burstiness(waits) for waits in sessions])

    # what is not freed from the size of the session says twice as much
    ratios = [np.std(waits) / np.mean(waits) for waits in sessions]
    assert abs(found) < 0.03
    assert abs(np.mean([(ratio - 1) / (ratio + 1) for ratio in ratios])) > 0.06


def test_strict_alternation_never_repeats_and_always_returns():
    senders = "ABABABABABAB"

    assert self_excess(senders) == pytest.approx(0 - 2 * 6 * 5 / (12 * 11))
    # of two people the floor can only return: there is nothing to be above
    assert aba_excess(senders) == 0


def test_a_round_robin_of_three_never_returns():
    # 4 of each: of the orders of three messages with another in the middle, 3/7 return
    assert aba_excess("ABC" * 4) == pytest.approx(-3 / 7)
    assert self_excess("ABC" * 4) == pytest.approx(-3 / 11)


def test_chance_is_what_shuffling_gives():
    senders = "AAAABBBCCD"
    rng = np.random.default_rng(5)
    shuffled = [list(rng.permutation(list(senders))) for _ in range(4000)]

    excess = [value for order in shuffled if (value := aba_excess(order)) is not None]

    assert abs(np.mean([self_excess(order) for order in shuffled])) < 0.01
    assert abs(np.mean(excess)) < 0.02


def test_gini_is_nothing_among_equals_and_one_for_a_monologue():
    assert gini([5, 5, 5]) == 0
    assert gini([0, 0, 12]) == 1
    assert gini([1, 3]) == pytest.approx(0.5)


def test_a_session_that_is_too_short_has_no_statistics():
    assert statistics(room("AB" * 5)) is None
    assert statistics(room("A" * 30)) is None
    assert statistics([]) is None
    assert statistics(room("AB" * 6)) is not None


def test_what_a_session_cannot_tell_is_none():
    found = statistics(room("ABCDEF" * 2))

    assert found is not None
    # everything at the same pace, nobody six times, and nobody twice in a row
    assert {name for name, value in found.items() if value is None} == {
        "M_room", "B_person", "ln_self/turn", "rho_len_gap"
    }  # fmt: skip


def test_equal_gaps_are_equal_however_their_times_are_written():
    since_1970 = [replace(post, at=1_772_461_800.1 + post.at) for post in room("ABCAB" * 4, gap=0.7)]

    assert statistics(since_1970) == statistics(room("ABCAB" * 4, gap=0.7))
    assert statistics(since_1970)["M_room"] is None


def test_the_order_in_which_messages_are_given_does_not_matter():
    posts = [Post(draw(1, n) * 300, "ABC"[n % 3], "a " * (n % 7)) for n in range(30)]

    assert statistics(posts[::-1]) == statistics(posts)


def test_a_gap_under_a_second_counts_as_one_where_logarithms_are_taken():
    found = statistics(room("AB" * 6, gap=0.25))

    assert found is not None
    assert found["sd_ln_gap"] == 0


def test_words_are_what_stands_between_white_space():
    assert [word_count(text) for text in ("", "  ", "😂", "don't", "well - yes\nno")] == [1, 1, 1, 1, 4]


# --- text markers


def said(*texts: str, senders: str = "AB") -> list[Post]:
    return [Post(float(n), senders[n % len(senders)], text) for n, text in enumerate(texts)]


def test_the_markers_of_a_few_messages():
    found = markers([said("Hello there.", "are you a bot?", "lol 😂", "I'm happy to help!", "Yes, I agree...", "12")])

    assert found.messages == 6
    assert found.median_words == 2.5
    assert found.questions == pytest.approx(1 / 6)
    assert found.final_period == pytest.approx(1 / 6)
    assert found.capital_start == pytest.approx(3 / 5)
    assert found.assistant_speak == pytest.approx(1 / 6)
    assert found.agreement_openers == pytest.approx(1 / 6)
    assert found.emoji == pytest.approx(1 / 6)
    assert found.near_duplicates == 0
    assert found.echo == 0


def test_no_messages_have_no_marks():
    found = markers([])

    assert found.messages == 0
    assert found.median_words is None
    assert found.questions is None


def test_what_repeats_oneself_or_others_is_a_near_duplicate():
    first = "the bins are out again tonight"

    # of one's own 5 of 7 words in common are enough, of another's they are not; case and signs do not count
    assert near_duplicates(said(first, "", "The bins are out again TODAY!")) == [False, True]
    assert near_duplicates(said(first, "the bins are out again today", senders="AB")) == [False, True]
    assert near_duplicates(said(first, "the bins are out tonight yes sir", senders="AB")) == [False, False]
    assert near_duplicates(said(first, "", "the bins are out tonight yes sir", senders="AB")) == [False, True]
    # what is short repeats by nature
    assert near_duplicates(said("yes I do", "yes I do")) == []


def test_a_message_of_long_ago_is_repeated_only_by_its_own_sender():
    first = "one two three four"

    # 26 messages later it is C's turn, 27 messages later A's again
    assert near_duplicates(said(first, *["ok"] * 25, first, senders="ABC")) == [False, False]
    assert near_duplicates(said(first, *["ok"] * 26, first, senders="ABC")) == [False, True]


def test_an_echo_takes_up_three_words_of_somebody_else():
    assert markers([said("we should turn over the seven", "why should turn over matter to us")]).echo == 1
    assert markers([said("we should turn over the seven", "why should we turn it")]).echo == 0
    # one's own words taken up again are no echo
    assert markers([said("we should turn over", "we should turn over it", senders="A")]).echo is None


# --- beside a reference


def simulated(count: int, gap: float = 15.0, people: int = 3, first: int = 0) -> list[list[Post]]:
    """Sessions of a memoryless clock and speakers drawn evenly."""
    rooms = []
    for seed in range(first, first + count):
        at, posts = 0.0, []
        for n in range(28):
            at += -gap * math.log1p(-draw(seed, "gap", n))
            words = max(round(math.exp(1.75 + 0.85 * scipy.stats.norm.ppf(draw(seed, "words", n)))), 1)
            posts.append(Post(at, "ABCDE"[int(draw(seed, "who", n) * people)], " ".join(["word"] * words)))
        rooms.append(posts)
    return rooms


def test_the_numbers_of_the_package_are_all_there_with_their_sources():
    for key in CORPORA:
        found = corpus(key)
        assert set(found.summaries) == set(NAMES)
        assert all(summary.sd > 0 and summary.lo < summary.mean < summary.hi for summary in found.summaries.values())
        assert found.name in files("roomful.realism").joinpath(DATA.replace(".json", ".txt")).read_text("utf-8")
    assert corpus("delidata").floor is not None
    with pytest.raises(KeyError):
        corpus("twitter")


def test_d_is_the_difference_of_means_in_the_reference_s_deviations():
    rooms = simulated(40)
    values = [found["gini"] for posts in rooms if (found := statistics(posts))]

    result = compare(rooms, corpus("delidata"))

    row = next(row for row in result.rows if row.name == "gini")
    known = corpus("delidata").summaries["gini"]
    assert row.mean == pytest.approx(np.mean(values))
    assert row.sd == pytest.approx(np.std(values, ddof=1))
    assert row.d == pytest.approx((np.mean(values) - known.mean) / known.sd)
    assert row.low == pytest.approx(row.d - 1.959964 * np.std(values, ddof=1) / math.sqrt(40) / known.sd, abs=1e-5)
    assert result.reference == "DeliData"
    assert result.mean_abs_d == pytest.approx(np.mean([abs(row.d) for row in result.rows]))
    assert result.mean_abs_d_timing == pytest.approx(np.mean([abs(row.d) for row in result.rows if row.name in TIMING]))
    assert result.warnings == ()
    assert result.enough


def test_sessions_beside_others_of_the_same_kind_are_not_told_apart():
    ours, theirs = simulated(60), simulated(60, first=500)

    result = compare(ours, Sessions("the others", measure(theirs)))

    assert result.mean_abs_d is not None
    assert result.mean_abs_d < 0.2
    assert result.classifier is not None
    assert result.classifier.against == "sessions"
    assert 0.3 < result.classifier.auc < 0.65
    assert {one.name: one.against for one in result.distances} == dict.fromkeys(
        ("ln gap", "ln turn gap", "ln self gap", "ln words"), "sessions"
    )
    assert all(one.value is not None and one.value < 0.15 for one in result.distances)
    assert result.reference_markers is not None


def test_sessions_of_another_kind_are_told_apart():
    # a clockwork in turns: no burstiness, no repeats, nobody talks more than others
    ours = [room("ABC" * 10) for _ in range(30)]

    result = compare(ours, corpus("delidata"))

    assert result.classifier is not None
    assert result.classifier.against == "drawn"
    assert result.classifier.auc > 0.95
    assert result.mean_abs_d_timing is not None
    assert result.mean_abs_d_timing > 1
    assert {one.name: one.against for one in result.distances} == {
        "ln gap": None, "ln turn gap": None, "ln self gap": None, "ln words": "implied"
    }  # fmt: skip
    assert "No session has a value of M_room, ln_self/turn, rho_len_gap" in result.warnings


def test_the_stand_ins_of_a_corpus_have_its_means_and_deviations():
    known = corpus("irc")

    drawn = known.drawn(3000, seed=1)

    for name in ("B_room", "self_excess", "mean_ln_words", "ln_self/turn"):
        values = [values[name] for values in drawn]
        assert np.mean(values) == pytest.approx(known.summaries[name].mean, abs=0.05)
        assert np.std(values) == pytest.approx(known.summaries[name].sd, rel=0.05)
    assert all(0 <= values["one_word"] <= 1 for values in drawn)
    assert known.drawn(2, seed=1) == drawn[:2]


def test_the_words_that_a_corpus_implies_have_its_mean():
    found = corpus("delidata").ln_words()

    assert min(found) == 0
    assert np.mean(found) == pytest.approx(corpus("delidata").summaries["mean_ln_words"].mean, abs=0.05)


def test_few_sessions_bring_a_warning_and_no_verdict():
    result = compare([*simulated(5), room("AB")], corpus("delidata"))

    assert result.sessions == 5
    assert result.left_out == 1
    assert not result.enough
    assert result.classifier is None
    assert [warning.partition(":")[0] for warning in result.warnings] == [
        "1 session left out", "5 sessions measured", "No AUC"
    ]  # fmt: skip
    assert {row["verdict"] for row in result.as_json()["rows"]} == {None}


def test_no_sessions_at_all_are_no_fault():
    result = compare([], corpus("delidata"))

    assert result.sessions == 0
    assert result.mean_abs_d is None
    assert all(row.mean is None and row.d is None for row in result.rows)
    assert json.loads(json.dumps(result.as_json()))["enough"] is False


def test_few_sessions_of_the_reference_are_warned_of_too():
    result = compare(simulated(35), Sessions("pilot", measure(simulated(12, first=100))))

    assert not result.enough
    assert result.classifier is not None
    assert [warning.partition(":")[0] for warning in result.warnings] == ["12 sessions of the reference measured"]


def test_the_same_sessions_give_the_same_numbers():
    rooms = simulated(30)

    assert compare(rooms, corpus("mafia")) == compare(rooms, corpus("mafia"))
    assert json.dumps(compare(rooms, corpus("mafia")).as_json())


def test_a_classifier_scores_what_it_has_not_seen():
    # with as many features as sessions to learn from, noise is learnt by heart and does not help
    assert two_sample_auc(cloud(12, 0, 1, 12), cloud(12, 0, 2, 12), 1) == pytest.approx(0.5, abs=0.35)
    apart = two_sample_auc(cloud(40, 1.0, 3, 1), cloud(40, 0.0, 4, 1), 1)
    assert apart == pytest.approx(scipy.stats.norm.cdf(1 / math.sqrt(2)), abs=0.1)


def test_missing_values_do_not_keep_sessions_apart():
    ours = [[None, *row] for row in cloud(20, 0, 1)]
    theirs = [[1.0, *row] for row in cloud(20, 0, 2)]

    # one kind never has the first feature, so it is left out
    assert two_sample_auc(ours, theirs, 1) == two_sample_auc([r[1:] for r in ours], [r[1:] for r in theirs], 1)
    assert two_sample_auc([[None]] * 12, [[1.0]] * 12, 1) == 0.5


def test_of_very_many_sessions_some_are_looked_at(monkeypatch):
    monkeypatch.setattr("roomful.realism.classifier.SESSIONS_MOST", 30)
    ours, theirs = cloud(200, 1.0, 3, 1), cloud(300, 0.0, 4, 1)

    found = two_sample_auc(ours, theirs, 1)

    assert found == pytest.approx(scipy.stats.norm.cdf(1 / math.sqrt(2)), abs=0.15)
    assert found != two_sample_auc(ours, theirs, 2)


def test_folds_hold_as_much_of_either_kind():
    from roomful.realism.classifier import _folds

    assert Counter(_folds(23, 1, "ours")) == {0: 5, 1: 5, 2: 5, 3: 4, 4: 4}
