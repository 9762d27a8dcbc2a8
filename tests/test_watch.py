"""Whether the model fails, by an injected clock; and where the operator is told."""

import asyncio
import json
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from roomful.cli.operator import Operator
from roomful.cli.sessions import list_live
from roomful.llm import LLM, LLMError
from roomful.llm.observe import observed
from roomful.llm.watch import OVERDUE, Failing, Watch, announce
from roomful.timeline import monotonic
from tests.asgi import Web, web
from tests.rooms import reply
from tests.test_llm_wrappers import PROMPT

pytestmark = pytest.mark.anyio


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """A watch and its clock; times are seconds since it was made."""

    def __init__(self, timeout: float = 20.0) -> None:
        self.clock = Clock()
        self.watch = Watch(self.clock, timeout)

    def at(self, seconds: float) -> Failing | None:
        self.clock.now = 1000.0 + seconds
        return self.watch.failing()

    def begins(self, seconds: float) -> int:
        self.at(seconds)
        return self.watch.began()

    def ends(self, number: int, outcome: str, seconds: float) -> None:
        self.at(seconds)
        self.watch.ended(number, outcome)

    def attempt(self, outcome: str, seconds: float, takes: float = 0.0) -> None:
        self.ends(self.begins(seconds), outcome, seconds + takes)


def first_alarm(watched: Watched, until: float, after: float = 0.0) -> float | None:
    """When the watch first says so, looking every half second."""
    return next((half / 2 for half in range(int(after * 2), int(until * 2)) if watched.at(half / 2)), None)


def test_a_model_that_nobody_asks_does_not_fail():
    assert Watched().at(1e6) is None


def test_a_model_that_answers_now_and_then_does_not_fail():
    watched = Watched()
    for second in range(1000):
        watched.attempt("ok" if second % 19 == 0 else "server_error", float(second))
        assert watched.at(float(second)) is None


@pytest.mark.parametrize("kind", ["bad_key", "rate_limited", "server_error", "connection", "malformed", "safety"])
def test_failures_without_a_success_are_an_alarm_after_twenty_seconds(kind):
    watched = Watched()
    for at in (0.0, 8.0, 16.0):
        watched.attempt(kind, at)

    assert first_alarm(watched, 60.0, after=16.0) == 20.0
    assert watched.at(25.0) == Failing(25.0, 3, kind)


def test_hanging_calls_are_an_alarm_though_none_has_come_back():
    watched = Watched()
    for at in (0.0, 8.0, 16.0):
        watched.begins(at)

    assert first_alarm(watched, 60.0, after=16.0) == 20.0
    assert watched.at(29.0) == Failing(29.0, 2, OVERDUE)


@pytest.mark.parametrize(("timeout", "alarm"), [(2.0, 20.0), (20.0, 20.0), (120.0, 20.0)])
def test_one_hanging_call_of_a_quiet_server_is_an_alarm_whatever_its_timeout(timeout, alarm):
    watched = Watched(timeout)
    watched.begins(0.0)

    assert first_alarm(watched, 60.0) == alarm


@pytest.mark.parametrize("failures", [1, 2])
def test_one_or_two_failures_are_no_alarm(failures):
    watched = Watched()
    for number in range(failures):
        watched.attempt("server_error", float(number))

    assert watched.at(1e6) is None


@pytest.mark.parametrize("rooms", [1, 10, 100])
@pytest.mark.parametrize(("outcome", "takes", "attempts"), [("bad_key", 0.1, 1), ("timeout", 20.0, 3)])
def test_a_dead_model_is_told_within_thirty_seconds_of_the_first_call(rooms, outcome, takes, attempts):
    watched, out, alarm = Watched(), {}, None
    # a call in ten seconds is what the default settings ask for in one room; attempts follow after half a second
    begins = {call * 10.0 / rooms + again * (takes + 0.5) for call in range(4 * rooms) for again in range(attempts)}
    for now, ending in sorted([(at, False) for at in begins] + [(at + takes, True) for at in begins]):
        if ending:
            watched.ends(out.pop(round(now - takes, 6)), outcome, now)
        else:
            out[round(now, 6)] = watched.begins(now)
        alarm = alarm or (watched.at(now) and now)

    assert alarm is not None
    assert alarm <= 30.0


def test_a_success_ends_it_and_the_reckoning_begins_anew():
    watched = Watched()
    for at in (0.0, 8.0, 16.0):
        watched.attempt("server_error", at)
    assert watched.at(21.0)

    watched.attempt("ok", 22.0)
    assert watched.at(1000.0) is None

    for at in (1000.0, 1001.0, 1002.0):
        watched.attempt("timeout", at)
    assert watched.at(1019.0) is None
    assert watched.at(1020.0) == Failing(20.0, 3, "timeout")


def test_it_fails_until_it_succeeds_though_nobody_asks_any_more():
    watched = Watched()
    calls = [watched.begins(at) for at in (0.0, 1.0, 2.0)]
    assert watched.at(23.0)
    for number in calls:
        # the sessions that asked have ended
        watched.ends(number, "cancelled", 24.0)

    assert watched.at(500.0) == Failing(500.0, 3, OVERDUE)


def test_calls_cancelled_before_they_are_overdue_tell_nothing():
    watched = Watched()
    for at in range(10):
        watched.attempt("cancelled", float(at), takes=1.0)

    assert watched.at(60.0) is None


def test_a_slow_success_of_a_call_begun_before_the_outage_hides_nothing_of_it_for_long():
    watched = Watched()
    slow = watched.begins(0.0)
    before = watched.begins(5.0)
    watched.ends(slow, "ok", 6.0)
    watched.ends(before, "server_error", 7.0)
    for at in (8.0, 16.0, 24.0):
        watched.attempt("server_error", at)

    assert first_alarm(watched, 60.0, after=24.0) == 27.0


def test_a_slow_model_in_a_busy_server_does_not_fail():
    watched = Watched(60.0)
    out: dict[int, int] = {}
    for second in range(300):
        if second % 5 == 0:
            out[watched.begins(float(second))] = second + 19
        for number in [number for number, due in out.items() if due == second]:
            watched.ends(number, "ok", float(second))
            del out[number]
        assert watched.at(float(second)) is None


async def ask(llm: LLM) -> None:
    with suppress(LLMError):
        await llm(PROMPT)


async def test_the_observer_tells_the_watch_of_every_attempt():
    watched, fails = Watched(), True

    async def llm(prompt):
        if fails:
            raise LLMError("server_error", "503")
        return reply("hi")

    asking = observed(llm, None, clock=watched.clock, watch=watched.watch)
    for at in (0.0, 10.0, 20.0):
        watched.at(at)
        await ask(asking)
    assert watched.at(20.0) == Failing(20.0, 3, "server_error")

    fails = False
    await ask(asking)
    assert watched.at(20.0) is None


class Enough(Exception):
    """The test has seen what it wanted."""


async def test_the_servers_log_tells_the_beginning_and_the_end_once_each():
    watched = Watched()

    async def sleep(seconds: float) -> None:
        now = watched.clock.now - 1000.0
        if now < 60.0:
            watched.attempt("timeout", now)
        elif now < 80.0:
            watched.attempt("ok", now)
        elif now > 100.0:
            raise Enough
        watched.clock.now += seconds

    with capture_logs() as lines, pytest.raises(Enough):
        await announce(watched.watch, watched.clock, sleep)

    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("llm_failing", "error"),
        ("llm_answers_again", "warning"),
    ]
    assert lines[0]["kind"] == "timeout"
    assert 20 <= lines[0]["seconds"] <= 22
    assert 60 <= lines[1]["seconds"] <= 62


def dead(room: Web) -> None:
    """Let the model hang for 25 seconds that nobody has to wait for."""
    watch = room.state.watch
    watch.began()
    watch._clock = lambda: monotonic() + 25.0


def revived(room: Web) -> None:
    room.state.watch.ended(room.state.watch.began(), "ok")


async def test_health_says_degraded_and_nothing_of_a_model(tmp_path):
    async with web(tmp_path) as room:
        well = await room.client.get("/health")
        dead(room)
        ill = await room.client.get("/health")
        revived(room)
        again = await room.client.get("/health")

    assert (ill.status, ill.json) == (200, well.json | {"degraded": True})
    assert again.json == well.json
    assert not {"llm", "model", "gemini", "overdue"} & set(ill.body.decode().lower().replace('"', " ").split())


async def test_the_operators_door_tells_since_when_and_why(tmp_path):
    async with web(tmp_path) as room:
        operator = Operator(room.server.data)
        well = await asyncio.to_thread(operator.ask, "GET", "/llm")
        dead(room)
        ill = await asyncio.to_thread(operator.ask, "GET", "/llm")

    assert well == {"failing": False, "since": None, "seconds": None, "failures": None, "kind": None}
    assert (ill["failing"], ill["failures"], ill["kind"]) == (True, 1, OVERDUE)
    assert ill["since"].endswith("Z")


@pytest.mark.parametrize("as_json", [False, True])
async def test_sessions_live_begins_with_the_alarm_on_stderr(as_json, tmp_path, capsys):
    async with web(tmp_path) as room:
        await room.open(await room.start()).until("hello")
        await asyncio.to_thread(list_live, room.server, as_json=as_json)
        well = capsys.readouterr()
        dead(room)
        await asyncio.to_thread(list_live, room.server, as_json=as_json)
        ill = capsys.readouterr()

    assert well.err == ""
    assert ill.err.startswith("The model is failing: nothing has succeeded for 00:2")
    assert not as_json or json.loads(ill.out)[0]["llm_degraded_seconds"] == 0.0


async def test_metrics_has_a_gauge_of_it(tmp_path):
    async with web(tmp_path, limits={"metrics": True}) as room:
        well = (await room.client.get("/metrics")).body
        dead(room)
        ill = (await room.client.get("/metrics")).body

    assert b"\nroomful_llm_failing 0.0\n" in well
    assert b"\nroomful_llm_failing 1.0\n" in ill
