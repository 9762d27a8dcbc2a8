"""How people come in over HTTP: by tokens, by links, back to their own room; and what they read who may not."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roomful.assembly import SetupError
from roomful.core.admission import CreateTokens, Pause, RevokeTokens, SetUp, Unpause
from roomful.core.audit import audit
from roomful.core.events import SessionStarted
from roomful.core.study import Treatment
from roomful.enrolment_settings import AssignmentSettings, EnrolmentSettings, EntryLink
from roomful.outcomes import Ending, signed
from roomful.settings import ServerSettings, StudySettings
from roomful.store import STUDY
from roomful.store.memory import MemoryStore
from roomful.store.sql import SQLStore
from roomful.study_codec import decode_study
from roomful.timeline import wall_clock
from roomful.web.app import create_app
from roomful.web.entry import STATUSES
from roomful.web.notices import NOTICES
from roomful.web.page import LANGUAGES
from tests.asgi import Response, Web, Yielding, eventually, study, web
from tests.enrolling import hashed, token
from tests.test_enrolment import opened

pytestmark = pytest.mark.anyio

PAGE = [("accept", "text/html,application/xhtml+xml"), ("accept-language", "en")]
PROLIFIC = EntryLink(panel="prolific")
IN = "PROLIFIC_PID=P1&STUDY_ID=S9&SESSION_ID=X"


def settings(*names: str, simulation: dict[str, Any] | None = None, **enrolment: Any) -> StudySettings:
    """A study with treatments of these names, whose templates name them."""
    base = study(**simulation or {})
    treatments = tuple(
        Treatment(
            name=name,
            experimental=replace(base.experimental, prompt_template=f"TREATMENT {name}"),
            simulation=base.simulation,
        )
        for name in names
    )
    return StudySettings(base.experimental, base.simulation, treatments, EnrolmentSettings(**enrolment))


@asynccontextmanager
async def door(
    folder: Path, *names: str, store: Any = None, limits: dict[str, Any] | None = None, **more: Any
) -> AsyncIterator[Web]:
    async with web(folder, about=settings(*names, **more), store=store, limits=limits) as room:
        yield room


async def create(room: Web, *names: str, **more: Any) -> None:
    await room.state.enrolment.submit(CreateTokens(tokens=tuple(token(name, **more) for name in names)))


async def start(room: Web, given: str, **body: Any) -> Response:
    return await room.client.post("/session/start", {"token": given} | body)


async def join(room: Web, query: str = IN, **more: Any) -> Response:
    return await room.client.post("/join", b"", query=query, **more)


# --- tokens


async def test_a_personal_token_comes_back_to_its_own_session_for_ever(tmp_path):
    store = Yielding()
    async with door(tmp_path, store=store) as room:
        await create(room, "t1", "t2")
        first = (await start(room, "t1")).json["session_id"]
        other = (await start(room, "t2")).json["session_id"]
        socket = room.open(first)
        await socket.receive()
        again = (await start(room, "t1")).json["session_id"]
        await room.host.end(first, "duration_expired")
        await socket.rest()
        frames, code = await room.open((await start(room, "t1")).json["session_id"]).rest()
    async with door(tmp_path, store=store) as room:
        late = (await start(room, "t1")).json["session_id"]

    assert first == again == late != other
    assert (frames[-1]["type"], code) == ("session_end", 1000)


async def test_a_start_that_nobody_follows_spends_no_token(tmp_path):
    async with door(tmp_path) as room:
        await create(room, "t1")
        session_id = (await start(room, "t1")).json["session_id"]
        before = room.state.enrolment.state.participations[session_id].begun
        await room.open(session_id).receive()
        await eventually(lambda: room.state.enrolment.state.participations[session_id].begun)

    assert before is None


async def test_tokens_end_the_demo_token_and_revoked_ones_are_invalid(tmp_path):
    async with door(tmp_path) as room:
        assert (await start(room, "1234")).status == 200
        await create(room, "t1", "t2")
        await room.state.enrolment.submit(RevokeTokens(tokens=(hashed("t2"),)))
        answers = [await start(room, name) for name in ("1234", "t2", "t3", "")]
        good = await start(room, "t1")

    assert good.status == 200
    assert [(answer.status, answer.json) for answer in answers] == [(401, {"detail": "Invalid token"})] * 4


async def test_a_token_made_by_another_process_works_at_once(tmp_path):
    store = Yielding()
    async with door(tmp_path, store=store, simulation={"participant_name": "ask"}) as room, beside(store) as other:
        await other.submit(CreateTokens(tokens=(token("t1"),)))
        answers = [await start(room, "t1", name="Zoë"), await start(room, "t9", name="Zoë")]

    assert [answer.status for answer in answers] == [200, 401]


@asynccontextmanager
async def beside(store: MemoryStore) -> AsyncIterator[Any]:
    # at a time that is not before what the server has written
    yield await opened(store, clock=wall_clock)


async def test_who_comes_back_has_a_name(tmp_path):
    async with door(tmp_path, simulation={"participant_name": "ask"}) as room:
        await create(room, "t1")
        nameless = await start(room, "t1")
        first = await start(room, "t1", name="Zoë")
        again = await start(room, "t1")
        hello = await room.open(first.json["session_id"]).receive()

    assert (nameless.status, again.status) == (422, 200)
    assert again.json["session_id"] == first.json["session_id"]
    assert hello["you"] == "Zoë"


async def test_a_session_runs_in_the_treatment_of_its_token_and_nobody_is_told(tmp_path):
    async with door(tmp_path, "warm", "cold") as room:
        for name, treatment in (("t1", "warm"), ("t2", "cold")):
            await create(room, name, treatment=treatment)
        answers = [await start(room, name) for name in ("t1", "t2")]
        ids = [answer.json["session_id"] for answer in answers]
        for session_id in ids:
            await room.open(session_id).receive()
        (first,), (second,) = [await room.until_logged(session_id, SessionStarted) for session_id in ids]

    assert (first.treatment, first.experimental_config.prompt_template) == ("warm", "TREATMENT warm")
    assert (second.treatment, second.experimental_config.prompt_template) == ("cold", "TREATMENT cold")
    told = [answer.body.decode().replace(session_id, "") for answer, session_id in zip(answers, ids, strict=True)]
    assert told[0] == told[1]


async def test_a_session_that_ends_is_an_outcome_and_survives_a_restart(tmp_path):
    store = Yielding()
    async with door(tmp_path, store=store) as room:
        await create(room, "t1", "t2")
        ids = [(await start(room, name)).json["session_id"] for name in ("t1", "t2")]
        for session_id in ids:
            await room.open(session_id).receive()
        await room.host.end(ids[0], "duration_expired")
        await eventually(lambda: room.state.enrolment.state.participations[ids[0]].outcome)
    async with door(tmp_path, store=store) as room:
        people = room.state.enrolment.state.participations
        found = [(people[session_id].reason, people[session_id].outcome) for session_id in ids]

    assert found == [("duration_expired", "completed"), (None, None)]


# --- links


async def test_fetching_the_link_uses_nothing_up_and_the_button_lets_in(tmp_path):
    async with door(tmp_path, entry=(PROLIFIC,)) as room:
        pages = [await room.client.get("/join", query=IN, headers=PAGE) for _ in range(3)]
        none = len(room.state.enrolment.state.participations)
        entered = await join(room, headers=PAGE)
        again = await join(room)
        (known,) = room.state.enrolment.state.participations.values()
        hello = await room.open(known.session_id).receive()

    assert ({page.status for page in pages}, none) == ({200}, 0)
    assert b'<form method="post">' in pages[0].body
    assert b"<script" not in pages[0].body
    assert (entered.status, entered.header("location")) == (303, f"chat?session={known.session_id}")
    assert again.json == {
        "session_id": known.session_id,
        "message": "Welcome! The room is open.",
        "next": f"chat?session={known.session_id}",
    }
    assert hello["type"] == "hello"
    assert (known.link, known.participant) == ("prolific", "P1")
    assert known.parameters == {"PROLIFIC_PID": "P1", "STUDY_ID": "S9", "SESSION_ID": "X"}


async def test_what_a_link_brings_stays_out_of_the_sessions_log(tmp_path):
    store = Yielding()
    async with door(tmp_path, entry=(PROLIFIC,), store=store) as room:
        started = (await join(room, "PROLIFIC_PID=SECRET-ID&extra=SECRET-TOO")).json["session_id"]
        await room.open(started).receive()
        await room.until_logged(started, SessionStarted)
        row = await store.find(started)

    session = "".join(line.text for line in await store.read(started)) + row.about
    whole = "".join(line.text for line in await store.read(STUDY))
    assert "SECRET" not in session
    assert "SECRET-ID" in whole
    assert "SECRET-TOO" in whole


@pytest.mark.parametrize(
    ("panel", "query"),
    [
        ("prolific", "prolific_pid=P1"),
        ("sona", "survey_code=77"),
        ("qualtrics", "ResponseID=R_1"),
        ("cloudresearch", "participantId=C1&assignmentId=A"),
        ("mturk", "workerId=W1&hitId=H"),
        ("label", "participant_label=desk+4"),
    ],
)
async def test_every_panels_link_is_known_by_its_parameter(tmp_path, panel, query):
    async with door(tmp_path, entry=(EntryLink(panel=panel),)) as room:
        first = await join(room, query)
        again = await join(room, query)
        (known,) = room.state.enrolment.state.participations.values()

    assert first.json["session_id"] == again.json["session_id"] == known.session_id
    assert known.link == panel


@pytest.mark.parametrize(
    "query",
    [
        "",
        "PROLIFIC_PID=",
        "PROLIFIC_PID=%20",
        "PROLIFIC_PID={{%PROLIFIC_PID%}}",
        "STUDY_ID=S",
        "PROLIFIC_PID=P&x=" + "x" * 1001,
    ],
)
async def test_a_link_that_does_not_tell_who_comes_is_refused(tmp_path, query):
    async with door(tmp_path, entry=(PROLIFIC,)) as room:
        page = await room.client.get("/join", query=query, headers=PAGE)
        posted = await join(room, query)
        count = len(room.state.enrolment.state.participations)

    assert (page.status, posted.status, count) == (401, 401, 0)
    assert posted.json["reason"] == "unknown_link"
    assert b"exactly as you were given it" in page.body
    assert b"<button" not in page.body


async def test_an_anonymous_link_gives_everybody_a_session_of_their_own(tmp_path):
    async with door(tmp_path, entry=(PROLIFIC, EntryLink(panel="anonymous", name="flyer"))) as room:
        ids = {(await join(room, "from=poster")).json["session_id"] for _ in range(3)}
        links = {one.link for one in room.state.enrolment.state.participations.values()}

    assert (len(ids), links) == (3, {"flyer"})


async def test_without_links_nobody_joins(tmp_path):
    async with door(tmp_path) as room:
        answers = [await room.client.get("/join", query=IN), await join(room)]

    assert [answer.status for answer in answers] == [401, 401]


async def test_a_name_is_asked_for_on_the_way_in_where_the_study_does(tmp_path):
    async with door(tmp_path, entry=(PROLIFIC,), simulation={"participant_name": "ask"}) as room:
        page = await room.client.get("/join", query=IN, headers=PAGE)
        form = [("content-type", "application/x-www-form-urlencoded"), *PAGE]
        taken = await room.client.post("/join", b"name=Alice", query=IN, headers=form)
        long = await room.client.post("/join", b"name=" + b"x" * 61, query=IN, headers=form)
        programs = await room.client.post("/join", {"name": 5}, query=IN)
        entered = await room.client.post("/join", "name=<b>Zoë".encode(), query=IN, headers=form)
        back = await room.client.get("/join", query=IN, headers=PAGE)
        (known,) = room.state.enrolment.state.participations
        hello = await room.open(known).receive()

    assert b'name="name"' in page.body
    assert (taken.status, long.status, programs.status, entered.status) == (422, 422, 422, 303)
    assert b'value="Alice"' in taken.body
    assert b'name="name"' not in back.body
    assert hello["you"] == "<b>Zoë"


@pytest.mark.parametrize(("language", "direction"), LANGUAGES.items())
async def test_the_way_in_speaks_the_browsers_language(tmp_path, language, direction):
    async with door(tmp_path, entry=(PROLIFIC,)) as room:
        page = await room.client.get("/join", query=IN, headers=[("accept-language", language)])

    assert f'<html lang="{language}" dir="{direction}">' in page.body.decode()
    assert NOTICES[language]["join_hint"] in page.body.decode()


def test_every_language_has_a_sentence_for_every_reason():
    assert NOTICES.keys() == LANGUAGES.keys()
    for words in NOTICES.values():
        assert words.keys() == NOTICES["en"].keys()
        assert STATUSES.keys() - {"unknown_token"} <= words.keys()


# --- open and closed


@pytest.mark.parametrize(
    ("enrolment", "status", "reason", "words"),
    [
        ({"opens": 4e9}, 403, "too_early", b"has not begun"),
        ({"closes": 1e9}, 403, "too_late", b"is over"),
    ],
)
async def test_who_comes_too_early_or_too_late_is_told(tmp_path, enrolment, status, reason, words):
    async with door(tmp_path, entry=(PROLIFIC,), **enrolment) as room:
        await create(room, "t1")
        by_token = await start(room, "t1")
        by_link = await join(room)
        page = await room.client.get("/join", query=IN, headers=PAGE)
        posted = await join(room, headers=PAGE)

    assert [answer.status for answer in (by_token, by_link, page, posted)] == [status] * 4
    assert by_token.json["reason"] == by_link.json["reason"] == reason
    assert words in page.body
    assert words in posted.body


async def test_a_pause_keeps_out_who_is_new_and_nobody_else(tmp_path):
    async with door(tmp_path, entry=(PROLIFIC,)) as room:
        inside = (await join(room)).json["session_id"]
        await room.state.enrolment.submit(Pause())
        new = await join(room, "PROLIFIC_PID=P2")
        back = await join(room)
        hello = await room.open(inside).receive()
        await room.state.enrolment.submit(Unpause())
        later = await join(room, "PROLIFIC_PID=P2")

    assert (new.status, new.json["reason"]) == (403, "paused")
    assert (back.json["session_id"], hello["type"]) == (inside, "hello")
    assert later.status == 200


async def test_after_a_stop_who_has_not_begun_cannot(tmp_path):
    async with door(tmp_path, entry=(PROLIFIC,)) as room:
        session_id = (await join(room)).json["session_id"]
        await room.state.enrolment.submit(Pause(stop=True))
        stopped = await room.open(session_id).rest()
        await room.state.enrolment.submit(Unpause())
        hello = await room.open(session_id).receive()

    assert stopped == ([], 1013)
    assert hello["type"] == "hello"


async def test_only_so_many_are_let_in_at_a_time(tmp_path):
    async with door(tmp_path, entry=(PROLIFIC,), max_live_sessions=1) as room:
        first = (await join(room)).json["session_id"]
        full = await join(room, "PROLIFIC_PID=P2")
        page = await room.client.get("/join", query="PROLIFIC_PID=P2", headers=PAGE)
        await room.open(first).receive()
        await room.host.end(first, "duration_expired")
        await eventually(lambda: room.state.enrolment.state.live == 0)
        later = await join(room, "PROLIFIC_PID=P2")

    assert (full.status, full.json["reason"], page.status, later.status) == (409, "full", 409, 200)
    assert b"in a few minutes" in page.body


async def test_a_spent_budget_keeps_nobody_from_their_own_session(tmp_path):
    async with door(tmp_path, entry=(PROLIFIC,), limits={"max_tokens_per_day": 1}) as room:
        first = await join(room)
        room.state.budget.tokens = 1
        spent = room.state.budget.exceeded()
        new, back = await join(room, "PROLIFIC_PID=P2"), await join(room)

    assert spent
    assert (new.status, new.json["reason"]) == (403, "budget")
    assert back.json["session_id"] == first.json["session_id"]


# --- scripted agents


async def test_a_server_whose_agents_are_scripted_by_accident_does_not_start_for_participants(tmp_path):
    quiet = ServerSettings(data=tmp_path / "data", logs=tmp_path / "logs")
    app = create_app(quiet, settings(entry=(PROLIFIC,)), store=Yielding())

    with pytest.raises(SetupError, match="GEMINI_API_KEY"):
        async with app.router.lifespan_context(app):
            pass


async def test_scripted_agents_that_were_asked_for_are_welcome(tmp_path):
    from roomful.core.study import LLMSettings

    asked = settings(entry=(PROLIFIC,), simulation={"llm": LLMSettings(provider="scripted")})
    app = create_app(ServerSettings(data=tmp_path / "data", logs=tmp_path / "logs"), asked, store=Yielding())

    async with app.router.lifespan_context(app):
        assert not app.state.server.silent_script


async def test_tokens_made_while_agents_are_scripted_by_accident_let_nobody_in(tmp_path):
    async with door(tmp_path) as room:
        room.client.app.state.server = replace(room.state, silent_script=True)
        demo = await start(room, "1234")
        await create(room, "t1")
        real, late_demo = await start(room, "t1"), await start(room, "1234")

    assert (demo.status, real.status, late_demo.status) == (200, 503, 401)


# --- many at once


async def test_hundreds_who_come_at_one_moment_are_balanced_and_none_twice(tmp_path):
    store = await SQLStore.open(f"sqlite:///{tmp_path / 'study.db'}")
    strata = AssignmentSettings(strata={"site": ("Berlin", "Wien")})
    async with door(tmp_path, "A", "B", "C", entry=(PROLIFIC,), assignment=strata, store=store) as room:
        await create(room, *(f"t{n}" for n in range(100)))
        links = [join(room, f"PROLIFIC_PID=P{n}&site={['Berlin', 'Wien'][n % 2]}") for n in range(200)]
        answers = await asyncio.gather(*links, *(start(room, f"t{n % 100}") for n in range(200)))
        entries = [decode_study(line.text) for line in await store.read(STUDY)]
        state = room.state.enrolment.state

    ids = [answer.json["session_id"] for answer in answers]
    assert {answer.status for answer in answers} == {200}
    assert len(set(ids[:200])) == 200
    assert ids[200:300] == ids[300:]
    assert set(state.pools) == {("Berlin",), ("Wien",), ("other",)}
    for pool in state.pools.values():
        # 100 in three treatments
        assert sorted(pool.filled.values()) == [33, 33, 34]
    assert Counter(one.treatment for one in state.participations.values()) == state.totals
    assert (audit(entries).at_the_door, audit(entries).faults) == (300, ())


async def test_the_rules_of_the_study_are_recorded_once(tmp_path):
    store = Yielding()
    for names in (("A", "B"), ("A", "B"), ("A", "B", "C")):
        async with door(tmp_path, *names, store=store) as room:
            assert await room.state.enrolment.submit(SetUp(rules=settings(*names).rules)) == []

    assert [decode_study(line.text).seq for line in await store.read(STUDY)] == [1, 2]


# --- ways out

CODES = {
    "completed": Ending(text="Thank you!", code="DONE", url="https://panel.example/in?cc=[CODE]&id=[PROLIFIC_PID]"),
    "ended_by_researcher": Ending(url="https://panel.example/in?why=[OUTCOME]&who=[PARTICIPANT]", sign=True),
}
KEY = {"return_key": "a-key-that-nobody-knows"}


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("duration_expired", {"text": "Thank you!", "url": "https://panel.example/in?cc=DONE&id=P1", "code": "DONE"}),
        ("error", {"text": "Good bye.", "url": None}),
        (
            "fire_alarm",
            {
                "text": None,
                "url": signed("https://panel.example/in?why=ended_by_researcher&who=P1", KEY["return_key"]),
            },
        ),
    ],
)
async def test_the_end_leads_out_and_whoever_comes_back_is_told_the_same(tmp_path, reason, told):
    store = Yielding()
    about = {"entry": (PROLIFIC,), "outcomes": CODES, "simulation": {"end_text": "Good bye."}, "limits": KEY}
    async with door(tmp_path, store=store, **about) as room:
        session_id = (await join(room)).json["session_id"]
        socket = room.open(session_id)
        await socket.receive()
        await room.host.end(session_id, reason)
        frames, _ = await socket.rest()
        await eventually(lambda: room.state.enrolment.state.participations[session_id].outcome)
        again, _ = await room.open(session_id).rest()
    async with door(tmp_path, store=store, **about) as room:
        late, _ = await room.open(session_id).rest()

    assert frames[-1]["next"] == again[-1]["next"] == late[-1]["next"] == told
