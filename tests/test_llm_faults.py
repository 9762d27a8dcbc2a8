"""Whole sessions with a model that fails in every way, now and then or always, through the real client."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi import FastAPI

from roomful.core.events import (
    USER,
    CallAnswered,
    CallFailed,
    CallRequested,
    Entry,
    Event,
    MessagePosted,
    SessionEnded,
    TurnDropped,
    TurnFilled,
    TurnPlanned,
)
from roomful.core.inputs import Connect, Say, Start
from roomful.core.state import SessionState, evolve
from roomful.llm.connect import connect
from roomful.llm.keys import Keys
from roomful.session import SimulationSession
from roomful.settings import ServerSettings, StudySettings
from roomful.store.memory import MemoryStore
from roomful.timeline import SimulatedTimeline, monotonic
from roomful.web.app import create_app
from roomful.web.views import Frame, Typing, View
from tests.asgi import PATIENCE, V2, Client, living
from tests.fake_gemini import HANG, Asked, FakeGemini, in_order
from tests.rooms import only, settings, start
from tests.stores import claimed

pytestmark = pytest.mark.anyio

FIRST, SECOND = "Good morning everybody, how are you all today?", "Has anyone seen my cat?"
HALF = 50.0
"""Seconds; a session lasts twice that."""


@dataclass(frozen=True)
class Fault:
    """A way to fail: the fake's answer, what the log calls it, and whether it is asked again by the client or the core.

    Neither a kind nor a verdict: the reply is usable, however long it took or is.
    """

    answer: str
    kind: str = ""
    verdict: str = ""
    retried: bool = True

    @property
    def silences(self) -> bool:
        return bool(self.kind or self.verdict)


FAULTS = {
    "slow": Fault("slow"),
    "hang": Fault(HANG, "timeout"),
    "429": Fault("429", "rate_limited"),
    "429 with RetryInfo": Fault("429-retry-info", "rate_limited"),
    "500": Fault("500", "server_error"),
    "503": Fault("503", "server_error"),
    "reset": Fault("reset", "connection"),
    "cut off": Fault("cut-off", "connection"),
    "malformed": Fault("malformed", "malformed"),
    "HTML page of a proxy": Fault("html", "server_error"),
    "HTML page instead of the answer": Fault("html-200", "malformed"),
    "SAFETY": Fault("unsafe", "safety", retried=False),
    "empty": Fault("blank", "empty"),
    "no text": Fault("no-text", "empty"),
    "cut at the budget": Fault("max-tokens", "cut"),
    "thought away": Fault("thought-away", "thought_away", retried=False),
    "wrong language": Fault("russian", verdict="wrong_script"),
    "echo of the system prompt": Fault("echo-system", verdict="prompt_leak"),
    "echo of the conversation": Fault("echo", verdict="prompt_leak"),
    "100 KB": Fault("long", verdict="form"),
}
each_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


class FastTime:
    """A clock that is set forward instead of being slept by."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def clock(self) -> float:
        return monotonic() + self._ahead

    def pass_by(self, seconds: float) -> None:
        self._ahead += seconds

    async def sleep(self, seconds: float) -> None:
        self.pass_by(seconds)


def line(asked: Asked) -> str:
    return f"line {asked.number}"


@dataclass
class Played:
    """A session that has come to its end."""

    entries: list[Entry]
    requests: int
    faulted: int
    events: list[Event] = field(init=False)

    def __post_init__(self) -> None:
        self.events = [entry.event for entry in self.entries]

    @property
    def end(self) -> SessionEnded:
        (end,) = only(self.events, SessionEnded)
        return end

    @property
    def posted(self) -> list[MessagePosted]:
        """The agents' messages."""
        return [message for message in only(self.events, MessagePosted) if message.sender != USER]

    def when(self, wanted: Callable[[Event], bool]) -> list[float]:
        return [entry.at for entry in self.entries if wanted(entry.event)]


async def played(fault: Fault, fails: Callable[[int, float], bool], **simulation: object) -> Played:
    """A whole session of two minutes on simulated time; `fails` is given a request's number and the time."""
    timeline, time, faulted = SimulatedTimeline(), FastTime(), []

    def plan(number: int) -> str:
        if not fails(number, timeline.now()):
            return "ok"
        faulted.append(number)
        if fault.answer == "slow":
            time.pass_by(3.0)
        return "ok" if fault.answer == "slow" else fault.answer

    first = room(fault, **simulation)
    async with FakeGemini(say=line, plan=plan) as gemini:
        llm = connect(
            first.simulation.llm,
            Keys(gemini="a-key"),
            clock=time.clock,
            sleep=time.sleep,
            base_url=gemini.url,
            patience=60.0,
        )
        session = SimulationSession(await claimed(MemoryStore()), llm, timeline)
        for at, input in (
            (0.0, first),
            (0.0, Connect(protocol=2)),
            (0.0, Say(content=FIRST)),
            (HALF, Say(content=SECOND)),
        ):
            session.put(input, at)
        try:
            await session.run()
        finally:
            await llm.close()
    return Played([entry async for entry in session.log.follow()], gemini.count, len(faulted))


def room(fault: Fault, **simulation: object) -> Start:
    rare = fault.answer == HANG
    about = {"timeout_seconds": 0.1 if rare else 5.0, "messages_per_minute": 6 if rare else 12}
    return start(provider="gemini", session_duration_minutes=2 * HALF / 60, **about | simulation)


# --- what the participant gets

TECHNICAL = re.compile(
    "429|500|502|503|anthropic|api|attempt|blocked|busy|call|connection|credential|error|exception|fail|fallback|finish|gemini|gguf|"
    "google|html|http|internal|json|key|leak|limit|llama|llm|malformed|max_tokens|mistral|model|openai|overload|partial|prompt|provider|quota|"
    "refuse|reject|reset|retry|safety|server|status_code|street|system|template|timeout|token|traceback|unavailable|"
    "unexpected|привет"
)
"""Words of which none may reach a participant, be it in a key or in a text."""


def frames(entries: list[Entry]) -> Iterator[Frame]:
    """Everything that a socket of either protocol is sent."""
    state, typists = SessionState(), Typing(SessionState())
    for entry in entries:
        state = evolve(state, entry)
        view = View(state.session, 0)
        if state.seq == 1:
            yield view.hello(state, 0.0, 2000)
        yield from (frame for frame in (typists.take(entry), view.frame(entry), view.bubble(entry)) if frame)


def technical(frame: Frame) -> list[str]:
    # `blocked` in hello is whom the participant has blocked
    ids = ("message_id", "client_id", "timestamp", "now", "ends_at", "blocked")
    text = json.dumps({key: value for key, value in frame.items() if key not in ids}, ensure_ascii=False).lower()
    return TECHNICAL.findall(text)


def assert_only_talk(played: Played) -> None:
    """No frame has a technical word, and every bubble is a line that the model meant to say, or the start of one."""
    assert [(word, frame) for frame in frames(played.entries) for word in technical(frame)] == []
    assert [m.content for m in played.posted if not m.content.startswith(("line ", "a long story "))] == []
    assert max((len(message.content) for message in played.posted), default=0) <= 600


def assert_every_call_is_told(played: Played, fault: Fault, failing: int) -> None:
    """Each call has its end in the log, and each that failed its kind and its attempts."""
    asked = [event.call_id for event in only(played.events, CallRequested)]
    came = [event.call_id for event in played.events if isinstance(event, CallAnswered | CallFailed)]
    failed = only(played.events, CallFailed)
    assert sorted(came) == sorted(asked[: len(came)])
    assert len(asked) - len(came) <= played.end.tally["unfinished"]
    assert {event.error for event in failed} <= {fault.kind}
    assert len(failed) == failing
    assert all(len(event.attempts) == (3 if fault.retried else 1) for event in failed)
    assert all(event.message for event in failed)


# --- now and then, for a time, always


@each_fault
async def test_a_model_that_fails_now_and_then_costs_what_cannot_be_asked_again_and_no_more(fault):
    # never twice in a row for one message: its next attempt comes before six others
    # and good answers must have time on a busy machine
    about = {"timeout_seconds": 1.0} if fault.answer == HANG else {}
    session = await played(fault, lambda number, _: number % 7 == 3, **about)

    assert session.end.reason == "duration_expired"
    assert session.faulted >= 2
    lost = 0 if fault.retried else session.faulted
    assert len(only(session.events, TurnDropped)) == lost
    tally = session.end.tally
    assert len(session.posted) + lost + tally["unfinished"] == tally["scheduled"] - waiting(session) + tally["answers"]
    assert_every_call_is_told(session, fault, lost)
    assert_only_talk(session)
    answered = only(session.events, CallAnswered)
    if fault.kind and fault.retried:
        assert sum(len(event.reply.attempts) for event in answered) == session.faulted
        assert {line.partition(":")[0] for event in answered for line in event.reply.attempts} == {fault.kind}
    if fault.verdict:
        assert [event.rejected for event in answered if event.rejected] == [fault.verdict] * session.faulted


def waiting(session: Played) -> int:
    """Background turns whose time was set and for which nobody had been chosen when the session ended."""
    planned = {event.turn_id for event in only(session.events, TurnPlanned) if event.kind == "background"}
    return session.end.tally["scheduled"] - len(planned)


@each_fault
async def test_when_the_model_is_back_the_rate_is_as_before(fault):
    session = await played(fault, lambda _, now: now < HALF)

    assert session.end.reason == "duration_expired"
    before = session.when(lambda event: isinstance(event, MessagePosted) and event.sender != USER)
    assert not fault.silences or min(before) >= HALF
    asked = {event.turn_id for entry in session.entries if entry.at >= HALF for event in calls(entry)}
    planned = [event for event in only(session.events, TurnPlanned) if event.turn_id in asked]
    due = {event.turn_id for event in planned if event.due < 2 * HALF - 10.0}
    assert len(due) >= 3
    assert due <= {message.turn_id for message in session.posted}
    assert session.end.llm_degraded_seconds == pytest.approx(degraded(session), abs=1e-3)
    assert (session.end.llm_degraded_seconds > HALF / 2) == fault.silences
    assert_only_talk(session)


def degraded(session: Played) -> float:
    """The time from the first failure to the reply that ended it."""
    fails = session.when(lambda event: isinstance(event, CallFailed) or getattr(event, "rejected", None) is not None)
    replies = session.when(lambda event: isinstance(event, CallAnswered) and event.text is not None)
    return replies[0] - fails[0] if fails else 0.0


def calls(entry: Entry) -> list[CallRequested]:
    return only([entry.event], CallRequested)


@each_fault
async def test_a_model_that_always_fails_leaves_a_quiet_room_that_ends_in_its_time(fault):
    session = await played(fault, lambda *_: True)

    assert (session.end.reason, session.entries[-1].at) == ("duration_expired", 2 * HALF)
    tally = session.end.tally
    if fault.silences:
        assert session.posted == []
        assert {event.reason for event in only(session.events, TurnDropped)} == {fault.kind or fault.verdict}
    else:
        assert len(session.posted) >= 10
        assert tally["dropped"] == tally["answers_dropped"] == 0
    assert_every_call_is_told(session, fault, tally["calls"] - tally["unfinished"] if fault.kind else 0)
    assert_only_talk(session)


# --- what the study may decide

DEAD = {"503": FAULTS["503"], "SAFETY": FAULTS["SAFETY"], "echo": FAULTS["echo of the conversation"]}


@pytest.mark.parametrize("fault", DEAD.values(), ids=DEAD)
async def test_with_end_a_dead_model_ends_the_session_and_the_participant_is_not_told_why(fault):
    session = await played(fault, lambda *_: True, when_unavailable="end", unavailable_seconds=30.0)

    assert session.end.reason == "llm_unavailable"
    assert 30.0 <= session.entries[-1].at < 60.0
    assert_only_talk(session)


@pytest.mark.parametrize("fault", DEAD.values(), ids=DEAD)
async def test_with_fallback_reviewed_lines_carry_a_dead_model(fault):
    lines = tuple(f"line {word}" for word in ("one", "two", "three", "four"))
    session = await played(fault, lambda *_: True, when_unavailable="fallback", fallback_lines=lines)

    assert session.end.reason == "duration_expired"
    assert sorted(message.content for message in session.posted) == sorted(lines)
    assert all(message.fallback for message in session.posted)
    assert len(only(session.events, TurnFilled)) == session.end.tally["filled"] == 4
    assert_only_talk(session)


# --- over the wire


def app(folder: Path, gemini: FakeGemini, **simulation: object) -> FastAPI:
    """A server whose agents speak through the real client."""
    server = ServerSettings(
        data=folder / "data", logs=folder / "logs", gemini_api_key="a-key", google_gemini_base_url=gemini.url
    )
    busy = {"provider": "gemini", "messages_per_minute": 900, "session_duration_minutes": 4 / 60}
    study = StudySettings(start().experimental, settings(**busy | simulation))
    return create_app(server, study, store=MemoryStore())


async def given_out(client: Client) -> str:
    response = await client.post("/session/start", {"token": "1234"})
    return f"/ws/{response.json['session_id']}"


async def test_no_frame_of_a_running_server_tells_of_any_fault(tmp_path):
    wild = [name for fault in FAULTS.values() for name in (fault.answer, "ok") if fault.answer != "slow"]
    reviewed = {"when_unavailable": "fallback", "fallback_lines": ("line nought",)}
    async with (
        FakeGemini(say=line, plan=in_order(wild)) as gemini,
        living(app(tmp_path, gemini, timeout_seconds=1.0, **reviewed)) as client,
    ):
        new, old = client.connect(await given_out(client), [V2]), client.connect(await given_out(client))
        new.say(FIRST, "9a3c1d52-6c1e-4b52-a0d4-1f0c6a7b8e90")
        old.say(FIRST)
        (frames2, code2), (frames1, code1) = await new.rest(), await old.rest()

    assert code2 == code1 == 1000
    assert gemini.count >= len(wild)
    assert frames2[-1]["reason"] == "duration_expired"
    assert len(frames1) >= 5
    told = [frame for frame in [*frames2, *frames1] if frame.get("content") != FIRST]
    assert [(word, frame) for frame in told for word in technical(frame)] == []
    said = [str(frame["content"]) for frame in told if "content" in frame]
    assert [text for text in said if not text.startswith(("line ", "a long story "))] == []


async def test_a_running_server_hears_that_its_model_is_dead_and_that_it_is_back(tmp_path):
    answers = {"401": True}
    async with (
        FakeGemini(say=line, plan=lambda _: "401" if answers["401"] else "ok") as gemini,
        living(app(tmp_path, gemini, messages_per_minute=300, session_duration_minutes=1)) as client,
    ):
        watch = client.app.state.server.watch
        socket = client.connect(await given_out(client), [V2])
        async with asyncio.timeout(PATIENCE):
            while gemini.count < 4:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        watch._clock = lambda: monotonic() + 25.0
        dead = (await client.get("/health")).json
        answers["401"] = False
        await socket.until("message")
        back = (await client.get("/health")).json

    assert (dead["status"], dead["degraded"]) == ("ok", True)
    assert "degraded" not in back


def test_the_scan_finds_what_it_looks_for():
    frame: Frame = {"type": "message", "seq": 1, "sender": "Alice", "content": "Gemini has a problem of its own (503)"}

    assert technical(frame) == ["gemini", "503"]
    assert technical(frame | {"content": "has anyone seen my cat?"}) == []
