"""A rehearsal runs the whole study as it would be run, and nothing of it can be taken for data."""

import asyncio
import csv
import json
from collections import Counter
from dataclasses import asdict, replace

import pytest

from roomful.assembly import SetupError, enrolled
from roomful.codec import decode, encode
from roomful.core.events import MessagePosted, Prompt, SessionStarted
from roomful.core.inputs import Reply
from roomful.core.study import ModelSettings, Position, Stances
from roomful.core.timing import ATTENTIVE, VARIED
from roomful.enrolment_settings import AssignmentSettings, EnrolmentSettings
from roomful.export import export
from roomful.llm import LLMError
from roomful.llm.scripted import Scripted
from roomful.rehearsal import runner
from roomful.rehearsal.concerns import concerns
from roomful.rehearsal.numbers import forecast, numbers_of, planned_of
from roomful.rehearsal.prices import Prices, Purse
from roomful.rehearsal.runner import BEGAN, Keeper, Rehearsal
from roomful.rehearsal.speaking import estimated
from roomful.rehearsal.standins import Move
from roomful.rehearsal.summary import Heard
from roomful.replay import verify
from roomful.store import STUDY
from roomful.store.memory import MemoryStore
from roomful.store.sql import SQLStore
from roomful.timeline import simulated_loop
from tests import examples, paging
from tests.rehearsing import PRICE, PRICES, plan, rehearsed, study, treatment


def kept(about=None, **more) -> tuple[MemoryStore, object]:
    """A rehearsal whose sessions are kept, and what was found."""
    store = MemoryStore()
    return store, rehearsed(about, keeper=Keeper(store), **more)


def test_a_rehearsal_finds_the_same_whether_or_not_its_sessions_are_written_down():
    about = plan(study(treatment("A", timing=ATTENTIVE, speech=VARIED)), sessions=4)
    seen, alike = list[Heard](), list[Heard]()

    kept(about, on_session=seen.append)
    rehearsed(about, on_session=alike.append)

    assert len(seen) == 4
    assert seen == alike


def logs(store: MemoryStore) -> list[list[object]]:
    async def read() -> list[list[object]]:
        rows = await store.sessions()
        return [[decode(line.text) for line in await store.read(row.session_id)] for row in rows]

    return asyncio.run(read())


def told(found) -> object:
    """Everything that a rehearsal found, in values that can be compared."""
    numbers = {name: asdict(numbers_of(cell)) for name, cell in found.cells.items()}
    return numbers, found.kept_out, found.spent, found.samples, found.lines, asdict(forecast(found, 100))


# --- the same engine, the whole study


def test_the_same_seed_gives_the_same_numbers_and_another_gives_others():
    first, again, other = (rehearsed(plan(seed=seed)) for seed in (1, 1, 2))

    assert told(first) == told(again)
    assert told(first) != told(other)


def test_a_rehearsal_can_be_stopped_after_any_session():
    begun = list[int]()

    async def main() -> None:
        task = asyncio.current_task()
        assert task

        def stop(heard: Heard) -> None:
            begun.append(heard.number)
            # as Ctrl-C does, while sessions of scripted agents take no turn of the loop
            task.cancel()

        speaks = estimated(Scripted(), 1.0)
        await Rehearsal(plan(sessions=5), speaks, Purse(PRICES), on_session=stop).run()

    with asyncio.Runner(loop_factory=simulated_loop) as loop, pytest.raises(asyncio.CancelledError):
        loop.run(main())

    assert len(begun) < 5


def test_a_kept_session_is_a_sound_log_that_runs_again_to_the_same():
    store, found = kept(plan(sessions=3))

    async def lines() -> list[list[str]]:
        return [[line.text for line in await store.read(row.session_id)] for row in await store.sessions()]

    for texts in asyncio.run(lines()):
        verdict = verify(texts)
        assert verdict.sound
        assert verdict.not_run is None
    assert found.sessions == 3


def test_what_is_kept_and_what_is_told_are_the_same():
    store, found = kept(plan(sessions=4))

    for entries in logs(store):
        started = entries[0].event
        cell = found.cells[started.treatment]
        assert cell.kinds[started.rehearsal]
    posts = [entry.event for entries in logs(store) for entry in entries if isinstance(entry.event, MessagePosted)]
    cells = found.cells.values()
    assert sum(sum(cell.said) for cell in cells) == sum(post.sender == "user" for post in posts)
    assert sum(cell.spoken.total() for cell in cells) == sum(post.sender != "user" for post in posts)


def test_treatments_are_assigned_by_the_weights():
    found = rehearsed(plan(study(treatment("A"), treatment("B", 3.0)), sessions=8, kinds=["silent"]))

    assert {name: cell.sessions for name, cell in found.cells.items()} == {"A": 2, "B": 6}
    assert [cell.share for cell in found.cells.values()] == [0.25, 0.75]


def test_some_treatments_alone_can_be_rehearsed_those_for_tokens_too():
    about = study(treatment("A"), treatment("B"), treatment("C", 0.0))

    found = rehearsed(plan(about, sessions=4, kinds=["silent"], only=["C", "A"]))

    assert {name: cell.sessions for name, cell in found.cells.items()} == {"A": 2, "B": 0, "C": 2}


def test_quotas_keep_nobody_out_and_say_how_many_are_planned():
    about = study(treatment("A", quota=1), treatment("B", quota=2))

    found = rehearsed(plan(about, sessions=6, kinds=["silent"]))

    assert found.sessions == 6
    assert planned_of(found) == 3
    assert planned_of(rehearsed(plan(sessions=2))) == 2


def test_leavers_withdraw_or_drop_out():
    found = rehearsed(plan(sessions=12, kinds=["leaver"]))

    outcomes = sum((cell.outcomes for cell in found.cells.values()), Counter())
    # whose grace is not over at the end of the session has completed it
    assert {"withdrew_keep_data", "dropped_out"} <= set(outcomes) <= {"withdrew_keep_data", "dropped_out", "completed"}


@pytest.mark.parametrize("kind", ["silent", "hostile", "injector", "talkative"])
def test_who_stays_completes(kind):
    found = rehearsed(plan(sessions=2, kinds=[kind]))

    assert all(cell.outcomes == {"completed": cell.sessions} for cell in found.cells.values())
    assert all(set(cell.reasons) == {"duration_expired"} for cell in found.cells.values())


def test_agents_answer_and_the_rate_is_that_of_the_settings():
    about = study(treatment("A", session_duration_minutes=15, messages_per_minute=6, user_response_probability=0.5))

    found = rehearsed(plan(about, sessions=30, kinds=["hostile"]))

    numbers = numbers_of(found.cells["A"])
    assert numbers.rate.low < 6 < numbers.rate.high
    assert numbers.answers.low < 0.5 < numbers.answers.high


PAGES = {
    "consent.md": "---\nversion: 1\n---\nDo you agree?",
    "before-1.md": paging.question(name="Q1", kind="likert", text="?", scale="1..4")
    + paging.question(name="topic", kind="single", text="?", options=["a = A", "b = B"], correct="b"),
    "after-1.md": paging.question(name="Q2", kind="likert", text="?", scale="1..4"),
    "debrief.md": "---\ndata_consent: May we use your data?\n---\nIt was a study.",
}
SIDES = Stances(
    question="Q1",
    positions=(Position(answers=("1..2",), stance="open"), Position(answers=("3..4",), stance="closed")),
    agree=1,
    disagree=2,
)


def test_stand_ins_go_through_the_pages_and_agents_take_sides_on_their_answers(tmp_path):
    about = study(stances=SIDES, pages=paging.read(tmp_path, PAGES))

    store, found = kept(plan(about, sessions=16, kinds=["silent"]))

    starts = [entries[0].event for entries in logs(store)]
    assert {start.answers["Q1"] for start in starts} == {"1", "2", "3", "4"}
    assert all(Counter(start.sides.values()) == {"agree": 1, "disagree": 2} for start in starts)
    assert all(cell.outcomes == {"completed": cell.sessions} for cell in found.cells.values())
    asyncio.run(export(store, tmp_path / "tables", ()))
    answers = (tmp_path / "tables" / "answers.csv").read_text("utf-8")
    assert answers.count('"Q2"') == 16


def test_an_answer_that_no_page_asks_for_is_drawn_where_agents_take_sides_on_it():
    store, _ = kept(plan(study(stances=SIDES), sessions=12, kinds=["silent"]))

    starts = [entries[0].event for entries in logs(store)]
    assert {start.answers["Q1"] for start in starts} == {"1", "2", "3", "4"}


def test_strata_are_rehearsed(tmp_path):
    strata = AssignmentSettings(strata={"country": ("at", "de")})
    about = study(enrolment=EnrolmentSettings(assignment=strata))

    store, _ = kept(plan(about, sessions=8, kinds=["silent"]))
    asyncio.run(export(store, tmp_path / "tables", ()))

    table = (tmp_path / "tables" / "assignments.csv").read_text("utf-8")
    assert '""at""' in table
    assert '""de""' in table


def test_a_page_that_cannot_be_filled_in_is_told(tmp_path):
    text = paging.question(name="code", kind="text", text="?", max_chars="3", correct="longer")

    found = rehearsed(plan(study(pages=paging.read(tmp_path, {"before-1.md": text})), sessions=2))

    assert found.stuck == {"before-1": 2}
    assert found.kept_out == {"stuck": 2}
    assert found.sessions == 0


def test_who_is_screened_out_by_every_answer_is_counted(tmp_path):
    text = paging.question(name="q", kind="single", text="?", options=["a = A", "b = B"], screen_out="a, b")

    found = rehearsed(plan(study(pages=paging.read(tmp_path, {"before-1.md": text})), sessions=2))

    assert found.kept_out == {"screened_out": 2}


def test_a_room_that_breaks_down_takes_no_other_with_it(monkeypatch):
    def act(seen):
        raise ValueError("no such move")

    def broken(kind, stay):
        return iter([Move(10.0, act)] if stay.seed % 2 else [])

    monkeypatch.setattr(runner, "moves", broken)

    found = rehearsed(plan(study(treatment("A")), sessions=6))

    cell = found.cells["A"]
    assert set(cell.reasons) == {"error", "duration_expired"}
    assert set(cell.crashes) == {"ValueError('no such move')"}


# --- the record


def test_every_session_says_that_it_is_a_rehearsal_and_by_whom():
    store, _ = kept(plan(sessions=5))

    starts = [entries[0].event for entries in logs(store)]
    assert all(start.rehearsal in ("talkative", "silent", "hostile", "leaver", "injector") for start in starts)
    assert len({start.seed for start in starts}) == 5


def test_the_session_of_a_person_has_no_such_key():
    (entry,) = [entry for entry in examples.entries() if isinstance(entry.event, SessionStarted)]
    text = encode(entry, examples.SESSION, examples.STARTED, "", "").text
    stood_in = replace(entry, event=replace(entry.event, rehearsal="silent"))

    assert '"rehearsal"' not in text
    assert decode(text).event.rehearsal == ""
    assert decode(encode(stood_in, examples.SESSION, examples.STARTED, "", "").text).event.rehearsal == "silent"


def test_its_times_are_nobodys(tmp_path):
    store, _ = kept(plan(sessions=2))

    rows = asyncio.run(store.sessions())

    assert all(BEGAN / 1e6 <= row.created < BEGAN / 1e6 + 86400 for row in rows)


async def opened(store: MemoryStore, about) -> None:
    await enrolled(store, about, None)


def test_no_server_and_no_command_that_writes_opens_a_rehearsal():
    store, _ = kept(plan(sessions=1))

    with pytest.raises(SetupError, match="holds a rehearsal"):
        asyncio.run(opened(store, study()))
    asyncio.run(opened(MemoryStore(), study()))


def test_tables_tell_a_rehearsal(tmp_path):
    store, _ = kept(plan(sessions=2, kinds=["hostile"]))

    asyncio.run(export(store, tmp_path / "tables", ()))

    with (tmp_path / "tables" / "sessions.csv").open(encoding="utf-8") as file:
        assert [row["rehearsal"] for row in csv.DictReader(file)] == ["hostile", "hostile"]


def test_a_database_of_something_else_is_not_rehearsed_into():
    store = MemoryStore()
    asyncio.run(opened(store, study()))

    with pytest.raises(ValueError, match=STUDY):
        rehearsed(plan(sessions=1), keeper=Keeper(store))


# --- money


def dear(tokens: int = 1000):
    """A model each of whose replies costs a cent, by the tests' price."""

    async def ask(prompt: Prompt) -> Reply:
        return Reply(text=f"word {prompt.number}", model="dear", input_tokens=0, output_tokens=tokens, latency=0.5)

    return ask


def test_every_reply_is_paid_by_the_price_of_the_model_that_gave_it():
    prices = Prices(
        common=PRICE,
        fallbacks=(replace(PRICE, model="stand-in", output=100.0),),
        agents={"Bob": replace(PRICE, model="own", output=1000.0)},
    )
    replies = Counter[str]()

    async def ask(prompt: Prompt) -> Reply:
        # Carol's model never answers
        fallback = int(prompt.agent_name == "Carol")
        replies[prompt.agent_name] += 1
        return Reply(text=f"word {prompt.number}", model="", output_tokens=1000, latency=0.5, fallback=fallback)

    own = ModelSettings(model="own")
    about = study(treatment("A", fallbacks=(ModelSettings(model="stand-in"),), agents={"Bob": own}))
    found = rehearsed(plan(about, sessions=2, kinds=["silent"]), llm=ask, purse=Purse(prices))

    assert set(replies) == {"Alice", "Bob", "Carol"}
    assert "stood_in" in {concern.code for concern in concerns(found)}
    # 1000 tokens each, by 10, 1000 and 100 a million
    expected = replies["Alice"] * 0.01 + replies["Bob"] * 1.0 + replies["Carol"] * 0.1
    assert found.spent == pytest.approx(expected)
    assert sum(sum(cell.costs) for cell in found.cells.values()) == pytest.approx(expected)


def test_a_budget_stops_before_the_session_that_it_would_not_bear():
    # sessions of a cell cost about 16 cents: the expectation is that of those that are over
    purse = Purse(PRICES, budget=1.0, expected=0.1)

    found = rehearsed(plan(sessions=50, kinds=["silent"]), llm=dear(), purse=purse)

    assert found.over_budget
    assert 0 < found.begun < 50
    assert found.spent <= 1.0
    assert found.spent + found.expected > 1.0
    assert not any(cell.cut for cell in found.cells.values())


def test_a_session_that_costs_more_than_was_expected_is_broken_off():
    purse = Purse(PRICES, budget=0.05, expected=0.01)

    found = rehearsed(plan(sessions=5, kinds=["silent"]), llm=dear(), purse=purse)

    (cell,) = [cell for cell in found.cells.values() if cell.sessions]
    assert found.begun == 1
    assert cell.cut == 1
    assert cell.reasons == {"budget_exhausted": 1}
    # what it cost says nothing about a whole session
    assert list(cell.costs) == []
    assert found.spent == pytest.approx(0.05)


def test_without_a_budget_everything_is_rehearsed():
    found = rehearsed(plan(sessions=3), llm=dear())

    assert found.begun == 3
    assert not found.over_budget


def test_failed_calls_cost_what_they_used():
    async def blocked(prompt: Prompt) -> Reply:
        reply = Reply(text="", model="dear", output_tokens=1000)
        raise LLMError("blocked", "no", reply=reply)

    found = rehearsed(plan(study(treatment("A")), sessions=1, kinds=["silent"]), llm=blocked)

    cell = found.cells["A"]
    assert cell.failed["blocked"] == cell.calls > 0
    assert found.spent == pytest.approx(0.01 * cell.calls)
    assert sum(cell.costs) == pytest.approx(found.spent)


def test_sessions_side_by_side_are_all_rehearsed_and_their_times_never_run_backwards():
    class Slow:
        """Answers after others had their turn."""

        async def __call__(self, prompt: Prompt) -> Reply:
            await asyncio.wait([asyncio.get_running_loop().run_in_executor(None, lambda: None)])
            return Reply(text=f"word {prompt.number}", model="slow", latency=0.3)

    store, found = kept(plan(sessions=5, at_once=3), llm=Slow())

    assert found.sessions == 5
    lines = asyncio.run(store.read(STUDY))
    times = [json.loads(line.text)["at"] for line in lines]
    assert times == sorted(times)


# --- what is kept of it


def test_samples_are_of_different_treatments_and_show_what_participants_saw():
    about = study(*(treatment(name) for name in "ABCD"))

    found = rehearsed(plan(about, sessions=12, kinds=["talkative"]))

    assert len({sample.treatment for sample in found.samples}) == 3
    for sample in found.samples:
        assert any(bubble.own for bubble in sample.bubbles)
        assert any(bubble.reactions for bubble in sample.bubbles) or any(bubble.quoted for bubble in sample.bubbles)


def test_one_treatment_gives_samples_of_different_stand_ins():
    found = rehearsed(plan(study(treatment("A")), sessions=12))

    assert len({sample.kind for sample in found.samples}) == 3


def test_a_store_on_disk_keeps_a_rehearsal(tmp_path):
    async def run() -> tuple[int, str]:
        store = await SQLStore.open(f"sqlite:///{tmp_path / 'roomful.db'}")
        try:
            await runner.Rehearsal(plan(sessions=3), dear(), Purse(PRICES), keeper=Keeper(store)).run()
            rows = await store.sessions()
            study_row = await store.find(STUDY)
            return sum(row.ended is not None for row in rows), study_row.about
        finally:
            await store.close()

    assert asyncio.run(run()) == (3, '{"rehearsal": true}')


def test_prompts_that_hold_a_placeholder_are_noticed():
    found = rehearsed(plan(study(treatment("A", template="You are {agent_name}. {tone} Be kind.")), sessions=1))

    assert found.cells["A"].unresolved == {"{tone}"}
