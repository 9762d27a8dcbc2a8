"""Stand-ins do what their kind says, by their seed and by what they have seen alone."""

from itertools import pairwise

import pytest

from roomful.core.assignment import Variable
from roomful.core.events import USER
from roomful.core.inputs import Connect, Disconnect, Leave, React, Say
from roomful.core.pages import fill, screens_out
from roomful.core.state import Message
from roomful.rehearsal.answers import chance_of, entered, variables
from roomful.rehearsal.lines import GREETINGS, HOSTILE, INJECTIONS, TALK
from roomful.rehearsal.standins import GAP_LEAST, KINDS, PER_MINUTE, Seen, Stay, drawn_kind, moves
from tests import paging

ALICE = Message(message_id="m1", number=1, sender="Alice", content="Hello there", at=1.0, shown=1)
SEEN = Seen((ALICE, Message(message_id="m2", number=2, sender=USER, content="hi", at=2.0, shown=2)), 7)


def stay(seed: int, minutes: float = 15, grace: float = 60.0) -> Stay:
    return Stay(seed, minutes * 60, grace)


def done(kind: str, seed: int, seen: Seen = SEEN, **more: float) -> list[tuple[float, object]]:
    return [(move.at, move.act(seen)) for move in moves(kind, stay(seed, **more))]


def said(kind: str, seed: int) -> list[Say]:
    return [input for _, input in done(kind, seed) if isinstance(input, Say)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_and_the_same_sight_do_the_same(kind):
    assert done(kind, 3) == done(kind, 3)


@pytest.mark.parametrize("kind", ["talkative", "hostile", "injector", "leaver"])
def test_what_is_seen_changes_words_and_no_times(kind):
    times = [at for at, _ in done(kind, 3, Seen())]

    assert times == [at for at, _ in done(kind, 3)]
    assert done(kind, 3, Seen()) != done(kind, 3)
    assert done(kind, 3) != done(kind, 4)


def test_a_silent_one_does_nothing():
    assert done("silent", 1) == []


@pytest.mark.parametrize("kind", ["talkative", "hostile", "injector"])
def test_a_kind_keeps_its_rate(kind):
    counts = [len(done(kind, seed)) for seed in range(200)]

    # of a clock with a least gap the counts vary less than those of a Poisson process: 4 of its standard errors
    expected = PER_MINUTE[kind] * 15
    assert abs(sum(counts) / 200 - expected) < 4 * (expected / 200) ** 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_moves_come_in_order_within_the_session(kind):
    times = [at for seed in range(20) for at, _ in done(kind, seed)]
    gaps = [b - a for seed in range(20) for (a, _), (b, _) in pairwise(done("talkative", seed))]

    assert all(0 < at < 900 for at in times)
    assert min(gaps) >= GAP_LEAST - 1e-6


def test_a_talkative_one_greets_quotes_and_reacts():
    inputs = [input for seed in range(10) for _, input in done("talkative", seed)]
    says = [input for input in inputs if isinstance(input, Say)]

    assert all(said("talkative", seed)[0].content in GREETINGS for seed in range(10))
    assert {say.reply_to for say in says} == {None, "m1"}
    assert any(isinstance(input, React) and input.message_id == "m1" for input in inputs)
    assert len({say.client_id for say in said("talkative", 1)}) == len(said("talkative", 1))


def test_in_an_empty_room_nobody_quotes_or_reacts():
    inputs = [input for seed in range(10) for _, input in done("talkative", seed, Seen())]

    assert all(isinstance(input, Say) and input.reply_to is None for input in inputs)


def test_a_hostile_one_says_nothing_kind():
    lines = {line.replace("{name}", "Alice") for line in HOSTILE}

    assert {say.content for seed in range(20) for say in said("hostile", seed)} == lines


def test_an_injector_tries_every_attack_before_it_repeats_one():
    lines = {line.replace("{name}", "Alice") for line in INJECTIONS}

    for seed in range(5):
        contents = [say.content for say in said("injector", seed)][: len(INJECTIONS)]
        assert len(set(contents)) == len(contents)
        assert set(contents) <= lines


def test_a_leaver_goes_by_saying_so_or_by_closing_the_page_and_does_nothing_afterwards():
    last = [done("leaver", seed)[-1] for seed in range(100)]
    leaves = [input for _, input in last]

    assert 25 < sum(isinstance(input, Leave) for input in leaves) < 75
    assert all(isinstance(input, Leave | Disconnect) for input in leaves)
    assert all(0.05 * 900 <= at <= 0.95 * 900 for at, _ in last)
    assert {input.sent for input in leaves if isinstance(input, Disconnect)} == {7}


def test_a_leaver_who_lost_the_connection_comes_back_within_the_grace_and_says_nothing_meanwhile():
    away = 0
    for seed in range(100):
        moved = done("leaver", seed)
        for (left, gone), (back, input) in pairwise(moved):
            if isinstance(gone, Disconnect):
                away += 1
                assert isinstance(input, Connect)
                assert back - left < 60
    assert away > 10


def test_without_a_grace_nobody_comes_back():
    inputs = [input for seed in range(50) for _, input in done("leaver", seed, grace=0.0)]

    assert not any(isinstance(input, Connect) for input in inputs)


def test_a_mixed_one_is_any_kind_and_others_are_what_was_asked_for():
    drawn = [drawn_kind(("mixed",), seed) for seed in range(200)]

    assert set(drawn) == set(KINDS)
    assert {drawn_kind(("silent", "hostile"), seed) for seed in range(50)} == {"silent", "hostile"}


def test_a_name_that_looks_like_a_placeholder_stays_as_it_is():
    odd = Seen((Message(message_id="m1", number=1, sender="{name}", content="x", at=1.0, shown=1),), 1)

    contents = [move.act(odd).content for move in moves("hostile", stay(1))]

    assert "That is nonsense, {name}." in contents


def test_lines_have_no_placeholder_but_the_name():
    for line in (*GREETINGS, *TALK, *HOSTILE, *INJECTIONS):
        assert line.replace("{name}", "").count("{") == line.count('{"id"')


# --- pages

LETTERS = ["a = A", "b = B", "c = C"]
EVERY_KIND = {
    "before-1.md": "\n".join(
        [
            paging.question(name="one", kind="single", text="?", options=LETTERS, screen_out="a, b"),
            paging.question(name="two", kind="multiple", text="?", options=LETTERS, least=2),
            paging.question(name="three", kind="likert", text="?", scale="1..7", correct="3"),
            paging.question(name="four", kind="matrix", text="?", rows=["x = X", "y = Y"], scale="1..5", correct="x=2"),
            paging.question(name="five", kind="slider", text="?", min="0", max="50", step="10"),
            paging.question(name="six", kind="number", text="?", min="18"),
            paging.question(name="seven", kind="number", text="?", decimals="1", min="0", max="1"),
            paging.question(name="eight", kind="text", text="?", max_chars="5"),
            paging.question(name="nine", kind="text", text="?", correct="blue"),
            paging.question(name="ten", kind="number", text="?", screen_out="0..17"),
        ]
    )
}


def test_stand_ins_fill_in_every_kind_of_question_as_it_may_be(tmp_path):
    (page,) = paging.read(tmp_path, EVERY_KIND)

    for seed in range(50):
        filled = fill(page, entered(page, chance_of(seed)))
        assert filled.problems == ()
        assert filled.missed == ()
        assert not filled.screened


def test_their_answers_are_drawn_over_all_that_are_possible(tmp_path):
    (page,) = paging.read(tmp_path, EVERY_KIND)
    filled = [fill(page, entered(page, chance_of(seed))).answers for seed in range(200)]

    assert {answers["five"] for answers in filled} == {"0", "10", "20", "30", "40", "50"}
    assert {answers["four.y"] for answers in filled} == {"1", "2", "3", "4", "5"}
    assert {answers["two"] for answers in filled} == {"a,b", "a,c", "b,c", "a,b,c"}


def test_where_every_answer_ends_the_participation_one_is_given_all_the_same(tmp_path):
    text = paging.question(name="q", kind="single", text="?", options=["a = A", "b = B"], screen_out="a, b")
    (page,) = paging.read(tmp_path, {"before-1.md": text})

    form = entered(page, chance_of(1))

    assert screens_out(page.questions[0], {"q": form["q"][0]})


def test_strata_that_no_page_asks_for_come_with_the_link():
    strata = (Variable(name="country", values=("at", "de")), Variable(name="Q1", values=("1", "2")))

    found = [variables(strata, ["Q1"], chance_of(seed)) for seed in range(50)]

    assert {each["country"] for each in found} == {"at", "de"}
    assert all(list(each) == ["country"] for each in found)
