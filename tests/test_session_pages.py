"""The pages around the chat over HTTP, as a browser without JavaScript has them."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from roomful.core.admission import CreateTokens, FillPage, Pause
from roomful.core.enrolment import ConsentAnswered, PageAnswered, PageShown, StudyEvent
from roomful.core.events import MessagePosted, SessionStarted
from roomful.core.journey import GRACE, place_of
from roomful.core.roster import fold_study
from roomful.enrolment_settings import AssignmentSettings, EntryLink
from roomful.host import NotReady
from roomful.outcomes import Ending
from roomful.settings import load_settings
from roomful.store import STUDY
from roomful.study_codec import decode_study
from roomful.web.page import LANGUAGES
from roomful.web.page_words import PAGE_WORDS
from tests.asgi import Failing, Web, Yielding, eventually, study, web
from tests.enrolling import token
from tests.paging import FORM, Visitor, documented, question, read
from tests.test_entry import settings
from tests.test_operator import client

pytestmark = pytest.mark.anyio

EXAMPLE = Path(__file__).parent.parent / "examples" / "two_by_two"
BEFORE_1 = {"lives_here": "yes", "Q1": "3", "trust__town": "1", "trust__press": "1", "trust__attention": "2"}
BEFORE_2 = {"mood": "50", "age": "30"}


@asynccontextmanager
async def around(folder: Path, pages: dict[str, str] | None = None, *names: str, **more: Any) -> AsyncIterator[Web]:
    """A server of a study with these pages; without any those of the documentation."""
    given = {"store": more.pop("store", None)}
    found = read(folder / "study", documented() if pages is None else pages)
    about = replace(settings(*names, **more), pages=found)
    async with web(folder, about=about, **given) as room:
        yield room


async def visitor(room: Web, **more: Any) -> Visitor:
    """Somebody who has come in, and looks at the first page."""
    come = Visitor(room, await room.start(), **more)
    await come.look()
    return come


async def happened(room: Web) -> list[StudyEvent]:
    return [decode_study(line.text).event for line in await room.store.read(STUDY)]


async def to_chat(come: Visitor) -> str:
    await come.on("agree")
    await come.on()
    await come.on(**BEFORE_1)
    return await come.on(**BEFORE_2)


async def chatted(room: Web, come: Visitor, reason: str = "duration_expired") -> list[dict[str, Any]]:
    """Chat until it ends; return the frames."""
    socket = room.open(come.session_id)
    await socket.receive()
    await room.host.end(come.session_id, reason)
    frames, _ = await socket.rest()
    return frames


# --- the way through


async def test_the_whole_way_without_a_script(tmp_path):
    async with around(tmp_path) as room:
        come = await visitor(room)
        titles = [come.title]
        await come.on("agree")
        titles.append(come.title)
        await come.on()
        titles.append(come.title)
        await come.on(**BEFORE_1, uses=["drive", "walk"])
        titles.append(come.title)
        chat = await come.on(**BEFORE_2, words="Trees.\r\nAnd <b>cars</b>.")
        frames = await chatted(room, come)
        await come.look()
        titles.append(come.title)
        await come.on(topic="traffic", Q2="4")
        titles.append(come.title)
        await come.on(data="yes")
        titles.append(come.title)
        known = room.state.enrolment.state.participations[come.session_id]
        events = await happened(room)

    assert titles == [
        "Taking part",
        "What you will do",
        "Before the chat",
        "About you",
        "After the chat",
        "What this was about",
        "Thank you!",
    ]
    assert chat == f"/chat?session={come.session_id}"
    assert frames[-1]["next"]["url"] == f"session/{come.session_id}"
    assert dict(known.answers) == {
        "lives_here": "yes",
        "uses": "walk,drive",
        "Q1": "3",
        "trust.town": "1",
        "trust.press": "1",
        "trust.attention": "2",
        "mood": "50",
        "age": "30",
        "words": "Trees.\nAnd <b>cars</b>.",
        "topic": "traffic",
        "Q2": "4",
    }
    assert (known.outcome, known.consent, known.data_consent) == ("completed", True, True)
    shown = [event.page for event in events if isinstance(event, PageShown)]
    done = [event.page for event in events if isinstance(event, PageAnswered)]
    assert shown == done == ["consent", "instructions", "before-1", "before-2", "after", "debrief"]
    (consent, data) = [event for event in events if isinstance(event, ConsentAnswered)]
    pages = {page.name: page.hash for page in room.host.study and room.state.enrolment.state.rules.pages}
    assert (consent.version, consent.hash, consent.given) == ("2026-03", pages["consent"], True)
    assert (data.about, data.hash, data.given) == ("data", pages["debrief"], True)


async def test_the_start_leads_to_the_pages_and_the_socket_waits_for_them(tmp_path):
    async with around(tmp_path) as room:
        response = await room.client.post("/session/start", {"token": "1234"})
        session_id = response.json["session_id"]
        early = await room.open(session_id).rest()
        early1 = await room.open1(session_id).rest()
        live = len(room.host.rooms)
        with pytest.raises(NotReady):
            await room.host.open(session_id)
        come = Visitor(room, session_id)
        await come.look()
        await to_chat(come)
        hello = await room.open(session_id).receive()

    assert response.json["next"] == f"session/{session_id}"
    assert early == early1 == ([], 1008)
    assert live == 0
    assert hello["type"] == "hello"


async def test_who_is_out_before_the_chat_has_no_room(tmp_path):
    async with around(tmp_path) as room:
        come = await visitor(room)
        await come.send("decline")
        code = await room.open(come.session_id).rest()

    assert code == ([], 1008)


async def test_without_pages_the_way_leads_straight_to_the_chat(tmp_path):
    async with around(tmp_path, {}) as room:
        response = await room.client.post("/session/start", {"token": "1234"})
        come = Visitor(room, response.json["session_id"])
        looked = await come.look()
        frames = await chatted(room, come)
        over = await come.look()

    assert response.json["next"] == f"chat?session={come.session_id}"
    assert (looked.status, looked.header("location")) == (303, f"../chat?session={come.session_id}")
    assert frames[-1]["next"] == {"text": None, "url": None}
    assert over.status == 200
    assert "You are through." in come.last


async def test_an_entry_link_leads_to_the_pages(tmp_path):
    async with around(tmp_path, entry=(EntryLink(panel="prolific"),)) as room:
        more = {"query": "PROLIFIC_PID=P1", "headers": [("accept", "text/html")]}
        first = await room.client.post("/join", b"", **more)
        again = await room.client.post("/join", b"", **more)

    assert first.status == 303
    assert re.fullmatch(r"session/[0-9a-f-]{36}", first.header("location"))
    assert first.header("location") == again.header("location")


# --- bad answers, and forms that come twice


async def test_bad_answers_come_back_with_kind_words_and_what_was_entered(tmp_path):
    async with around(tmp_path) as room:
        come = await visitor(room)
        await come.on("agree")
        await come.on()
        await come.on(**BEFORE_1)
        response = await come.send(mood="20", age="abc", words="x" * 501 + '"<i>')
        again = await come.send(mood="20", age="200")

    assert response.status == again.status == 422
    body = response.body.decode()
    assert PAGE_WORDS["en"]["not_a_number"] in body
    assert PAGE_WORDS["en"]["too_long"].replace("{limit}", "500") in body
    assert '<a href="#age-1"><bdi>How old are you?</bdi></a>' in body
    assert 'name="q.age" value="abc"' in body
    assert 'value="20" data-set' in body
    assert "x&#34;&lt;i&gt;</textarea>" in body
    assert come.title == "Problem: About you"
    assert PAGE_WORDS["en"]["too_high"].replace("{limit}", "120") in come.last


async def test_a_text_of_twice_the_length_comes_back_in_any_script(tmp_path):
    asked = [question(name=f"T{number}", kind="text", text="?", lines=3, max_chars=2000) for number in (1, 2)]
    async with around(tmp_path, {"before.md": "\n".join(asked)}) as room:
        come = await visitor(room)
        response = await come.send(T1="字" * 4000, T2="字" * 4000)

    assert response.status == 422
    assert come.last.count("字" * 4000) == 2
    assert come.last.count('maxlength="4000"') == 2


async def test_choices_come_back_as_they_were(tmp_path):
    async with around(tmp_path) as room:
        come = await visitor(room)
        await come.on("agree")
        await come.on()
        await come.send(uses=["walk", "drive"], Q1="2", trust__press="4")

    checked = re.findall(r'name="q\.([\w.]+)" value="(\w+)" checked', come.last)
    assert checked == [("uses", "walk"), ("uses", "drive"), ("Q1", "2"), ("trust.press", "4")]
    assert come.last.count(PAGE_WORDS["en"]["choose"]) == 2 * 3


async def test_a_page_that_is_done_is_done(tmp_path):
    async with around(tmp_path) as room:
        come = await visitor(room)
        await come.on("agree")
        before = await happened(room)
        # back in the browser, and once more
        twice = [await come.send("agree", page="consent"), await come.send("decline", page="consent")]
        ahead = await come.send(page="before-2", **BEFORE_2)
        after = await happened(room)

    assert [response.status for response in [*twice, ahead]] == [303] * 3
    assert before == after


async def test_a_form_that_is_sent_twice_at_once_counts_once(tmp_path):
    async with around(tmp_path) as room:
        come = await visitor(room)
        responses = await asyncio.gather(come.send("agree"), come.send("agree"), come.send("agree"))
        events = await happened(room)

    assert {response.status for response in responses} == {303}
    assert len([event for event in events if isinstance(event, ConsentAnswered)]) == 1


async def test_a_reload_is_no_second_coming(tmp_path):
    async with around(tmp_path) as room:
        come = await visitor(room)
        for _ in range(3):
            await come.look()
        events = await happened(room)

    assert len({response.body for response in come.seen}) == 1
    assert [event.page for event in events if isinstance(event, PageShown)] == ["consent"]


async def test_a_failed_check_is_told_and_ends_after_the_last_try(tmp_path):
    async with around(tmp_path) as room:
        come = await visitor(room)
        await come.on("agree")
        await come.on()
        wrong = BEFORE_1 | {"trust__attention": "5"}
        first = await come.send(**wrong)
        told = come.last
        # sent once more by impatience: it is the first try still
        twice = await come.send(attempt="1", **wrong)
        await come.look()
        reloaded = come.last
        await come.send(**wrong)
        await come.look()
        known = room.state.enrolment.state.participations[come.session_id]

    assert first.status == 422
    assert twice.status == 303
    for body in (told, reloaded):
        assert PAGE_WORDS["en"]["missed_title"] in body
        assert PAGE_WORDS["en"]["one_try_left"] in body
    assert 'name="q.Q1" value="3" checked' in told
    assert known.outcome == "failed_check"
    assert PAGE_WORDS["en"]["over_failed_check"] in come.last


async def test_a_check_is_passed_in_the_second_try(tmp_path):
    async with around(tmp_path) as room:
        come = await visitor(room)
        await come.on("agree")
        await come.on()
        await come.send(**BEFORE_1 | {"trust__attention": "5"})
        await come.on(**BEFORE_1)

    assert come.title == "About you"


@pytest.mark.parametrize(
    ("answers", "outcome"), [({"lives_here": "no"}, "screened_out"), ({"lives_here": "yes"}, None)]
)
async def test_an_answer_may_screen_out(tmp_path, answers, outcome):
    async with around(tmp_path) as room:
        come = await visitor(room)
        await come.on("agree")
        await come.on()
        await come.on(**BEFORE_1 | answers)
        known = room.state.enrolment.state.participations[come.session_id]

    assert known.outcome == outcome
    assert (PAGE_WORDS["en"]["over_screened_out"] in come.last) == (outcome is not None)


TEXT = question(name="words", kind="text", text="?")
LIMITED = {"before.md": f"---\ntime_limit_seconds: 90\n---\n{TEXT}", "debrief.md": "It is over."}


class Clock:
    """The server's clock as the study's log has it, moved by hand."""

    def __init__(self, room: Web, monkeypatch: pytest.MonkeyPatch) -> None:
        # later than anything the server has written by the clock on the wall
        self.seconds = 4_000_000_000.0
        monkeypatch.setattr(room.state.enrolment, "_clock", lambda: round(self.seconds * 1e6))


def told_time(come: Visitor) -> tuple[str, str] | None:
    """The time that a page says is left, and after how many seconds it is loaded anew."""
    clock = re.search(r"<time [^>]*>([\d:]+)</time>", come.last)
    reload = re.search(r'http-equiv="refresh" content="(\d+); url=([^"]*)"', come.last)
    assert bool(clock) == bool(reload) == ("countdown.js" in come.last)
    if clock and reload:
        assert reload[2] == come.session_id
    return (clock[1], reload[1]) if clock and reload else None


async def test_a_page_with_a_limit_says_how_long_there_is_and_takes_an_answer_until_then(tmp_path, monkeypatch):
    async with around(tmp_path, LIMITED) as room:
        clock = Clock(room, monkeypatch)
        come = await visitor(room)
        first = told_time(come)
        clock.seconds += 60.5
        await come.look()
        second = told_time(come)
        # what is amiss is told as long as there is time
        amiss = await come.send(words="x" * 1001)
        third = told_time(come)
        clock.seconds += 29.5 + GRACE
        there = await come.on(words="At the last moment")

    assert (first, second, third) == (("1:30", "97"), ("0:29", "36"), ("0:29", "36"))
    assert amiss.status == 422
    assert there.startswith("/chat")


@pytest.mark.parametrize("doing", ["answers", "answers wrongly", "looks", "comes again"])
async def test_who_took_too_long_over_a_page_is_told_whatever_they_do(tmp_path, monkeypatch, doing):
    about = {"entry": (EntryLink(panel="prolific"),), "outcomes": {"timed_out": out("C-timed_out")}}
    async with around(tmp_path, LIMITED, **about) as room:
        clock = Clock(room, monkeypatch)
        come = await joined(room)
        clock.seconds += 90 + GRACE + 0.1
        if doing.startswith("answers"):
            there = await come.on(words="x" * 1001 if doing == "answers wrongly" else "Too late")
        else:
            come = await joined(room) if doing == "comes again" else come
            there = come.path
            assert (await come.look()).status in (200, 303)
            await come.look()
        known = room.state.enrolment.state.participations[come.session_id]
        closed = await room.open(come.session_id).rest()
        last = unescape(come.last)

    assert there == come.path
    assert (known.outcome, known.answers, known.done) == ("timed_out", {}, ())
    assert '<code dir="ltr">C-timed_out</code>' in last
    assert 'href="https://panel.example/in?cc=C-timed_out&id=P%201&why=timed_out"' in last
    assert told_time(come) is None
    assert closed == ([], 1008)


async def test_who_took_too_long_after_the_chat_is_debriefed_and_then_told(tmp_path, monkeypatch):
    pages = {"after.md": f"---\ntime_limit_seconds: 30\n---\n{TEXT}", "debrief.md": "# It was about this"}
    async with around(tmp_path, pages) as room:
        clock = Clock(room, monkeypatch)
        come = await visitor(room)
        await chatted(room, come)
        await come.look()
        asked = told_time(come)
        clock.seconds += 60
        await come.on(words="Too late")
        debriefed = come.title
        await come.on()

    assert asked == ("0:30", "37")
    assert debriefed == "It was about this"
    assert PAGE_WORDS["en"]["over_timed_out"] in come.last


async def test_the_time_before_the_chat_is_over_on_whichever_page(tmp_path, monkeypatch):
    pages = {"consent.md": "---\nversion: 1\n---\nYes?", "before.md": TEXT}
    async with around(tmp_path, pages, before_chat_minutes=2) as room:
        clock = Clock(room, monkeypatch)
        come = await visitor(room)
        clock.seconds += 100
        await come.on("agree")
        left = told_time(come)
        clock.seconds += 30
        await come.on(words="Too late")
        known = room.state.enrolment.state.participations[come.session_id]

    assert left == ("0:20", "27")
    assert known.outcome == "timed_out"
    assert (known.consent, known.answers) == (True, {})


async def test_where_nothing_is_limited_no_page_speaks_of_time(tmp_path):
    async with around(tmp_path) as room:
        come = await visitor(room)

    assert told_time(come) is None
    assert "refresh" not in come.last


async def test_an_end_of_its_own_for_an_outcome(tmp_path):
    pages = {"consent.md": "---\nversion: 1\n---\nYes?", "end.md": "Bye.", "end-no_consent.md": "# As you wish"}
    async with around(tmp_path, pages, simulation={"end_url": "https://panel.example/done"}) as room:
        come = await visitor(room)
        await come.on("decline")
        refused = come.last
        other = await visitor(room)
        await other.on("agree")
        await chatted(room, other)
        await other.look()

    assert "<h1>As you wish</h1>" in refused
    assert "panel.example" not in refused
    assert "<p>Bye.</p>" in other.last
    assert 'href="https://panel.example/done"' in other.last


PANEL = "https://panel.example/in?cc=[CODE]&id=[PROLIFIC_PID]&why=[OUTCOME]"


def out(code: str, **more: Any) -> Ending:
    return Ending(**{"code": code, "url": PANEL} | more)


async def joined(room: Web) -> Visitor:
    """Somebody whom a panel has sent, at the first page."""
    response = await room.client.post("/join", b"", query="PROLIFIC_PID=P%201")
    come = Visitor(room, response.json["session_id"])
    await come.look()
    return come


async def to_outcome(room: Web, come: Visitor, outcome: str) -> None:
    """Go the way that ends with this outcome, and look at the last page."""
    if outcome == "no_consent":
        await come.on("decline")
        return
    if outcome == "completed":
        await to_chat(come)
        await chatted(room, come)
        await come.look()
        await come.on(topic="traffic", Q2="4")
        await come.on(data="yes")
        return
    await come.on("agree")
    await come.on()
    if outcome == "failed_check":
        await come.send(**BEFORE_1 | {"trust__attention": "5"})
        await come.on(**BEFORE_1 | {"trust__attention": "5"})
    else:
        await come.on(**BEFORE_1 | {"lives_here": "no"})


@pytest.mark.parametrize("outcome", ["completed", "no_consent", "failed_check", "screened_out"])
async def test_the_last_page_has_the_code_and_the_address_of_the_outcome(tmp_path, outcome):
    endings = {name: out(f"C-{name}") for name in ("completed", "no_consent", "failed_check", "screened_out")}
    about = {
        "entry": (EntryLink(panel="prolific"),),
        "outcomes": endings,
        "simulation": {"end_url": "https://no.example"},
    }
    async with around(tmp_path, **about) as room:
        come = await joined(room)
        await to_outcome(room, come, outcome)
        reached = room.state.enrolment.state.participations[come.session_id].outcome
        last = unescape(come.last)

    assert reached == outcome
    assert f'<code dir="ltr">C-{outcome}</code>' in last
    assert re.findall(r'class="button" href="([^"]*)"', last) == [
        f"https://panel.example/in?cc=C-{outcome}&id=P%201&why={outcome}"
    ]


async def test_the_code_is_on_the_last_page_and_not_at_the_end_of_the_chat(tmp_path):
    pages = {"after.md": question(name="Q1", kind="text", text="?"), "end.md": "Bye."}
    endings = {"completed": out("SECRET-CODE", text="*Well* done."), "error": out("x")}
    async with around(tmp_path, pages, outcomes=endings, simulation={"end_text": "Go on."}) as room:
        come = await visitor(room)
        frames = await chatted(room, come)
        await come.look()
        asked = come.last
        await come.on(Q1="yes")

    assert frames[-1]["next"] == {"text": "Go on.", "url": f"session/{come.session_id}"}
    assert "SECRET-CODE" not in asked
    assert "SECRET-CODE" in come.last
    assert "<p><em>Well</em> done.</p>" in come.last
    assert "Bye." not in come.last


async def test_a_page_for_an_outcome_takes_the_place_of_its_words_and_keeps_its_code(tmp_path):
    pages = {"consent.md": "---\nversion: 1\n---\nYes?", "end-no_consent.md": "# As you wish"}
    async with around(tmp_path, pages, outcomes={"no_consent": out("C1", text="Other words.")}) as room:
        come = await visitor(room)
        await come.on("decline")

    assert "<h1>As you wish</h1>" in come.last
    assert "Other words." not in come.last
    assert '<code dir="ltr">C1</code>' in come.last


async def test_who_deletes_at_the_end_of_the_chat_is_debriefed_and_nothing_of_the_pages_stays(tmp_path):
    endings = {"withdrew_delete_data": out("W1", text="It is gone.")}
    async with around(tmp_path, may_delete=True, outcomes=endings) as room:
        come = await visitor(room)
        await come.on("agree")
        await come.on()
        await come.on(**BEFORE_1)
        await come.on(**BEFORE_2, words="my-Secret-is-7f3a")
        socket = room.open(come.session_id)
        await socket.receive()
        socket.send({"type": "leave", "delete": True})
        frames, _ = await socket.rest()
        await eventually(lambda: room.state.enrolment.state.participations[come.session_id].erased)
        await eventually(lambda: "my-Secret" not in (tmp_path / "logs" / "study.json").read_text("utf-8"))
        await come.look()
        debriefed = come.title
        await come.on(data="no")
        kept = "".join(line.text for line in await room.store.read(STUDY))
        folded = fold_study([decode_study(line.text) for line in await room.store.read(STUDY)])
        known = room.state.enrolment.state.participations[come.session_id]

    assert frames[-1]["reason"] == "participant_withdrew"
    assert frames[-1]["next"]["url"] == f"session/{come.session_id}"
    assert debriefed == "What this was about"
    assert "It is gone." in come.last
    assert '<code dir="ltr">W1</code>' in come.last
    assert "my-Secret" not in kept
    # the next process finds them where this one has left them
    assert (folded.participations[come.session_id].outcome, known.outcome) == ("withdrew_delete_data",) * 2
    assert place_of(folded.rules.pages, folded.participations[come.session_id]) == "over"
    assert known.answers == folded.participations[come.session_id].answers == {}


@pytest.mark.parametrize("delete", [True, False])
async def test_who_is_among_the_pages_is_withdrawn_by_the_operator(tmp_path, delete):
    async with around(tmp_path) as room, client(tmp_path) as operator:
        come = await visitor(room)
        await come.on("agree")
        answer = await operator.post(f"/sessions/{come.session_id}/withdraw", json={"delete": delete})
        await come.look()
        closed = await room.open(come.session_id).rest()
        known = room.state.enrolment.state.participations[come.session_id]

    assert (answer.status_code, answer.json()["ended"]) == (200, False)
    assert known.outcome == ("withdrew_delete_data" if delete else "withdrew_keep_data")
    assert known.consent is (None if delete else True)
    assert PAGE_WORDS["en"]["over_other"] in come.last
    assert closed == ([], 1008)


async def test_the_page_after_the_chat_is_there_before_the_news_of_its_end(tmp_path, monkeypatch):
    async with around(tmp_path) as room:
        come = await visitor(room)
        await to_chat(come)
        monkeypatch.setattr(room.state.enrolment, "ended", lambda *_: None)
        await chatted(room, come)
        response = await come.look()

    assert response.status == 200
    assert come.title == "After the chat"


@pytest.mark.parametrize("reason", ["participant_left", "error", "stopped"])
async def test_whoever_leaves_is_debriefed(tmp_path, reason):
    async with around(tmp_path) as room:
        come = await visitor(room)
        await to_chat(come)
        await chatted(room, come, reason)
        await come.look()
        title = come.title
        await come.on(data="no")
        known = room.state.enrolment.state.participations[come.session_id]

    assert title == "What this was about"
    assert known.data_consent is False


async def test_the_second_consent_must_be_answered(tmp_path):
    async with around(tmp_path) as room:
        come = await visitor(room)
        await to_chat(come)
        await chatted(room, come, "participant_left")
        await come.look()
        response = await come.send()

    assert response.status == 422
    assert '<a href="#data-1"><bdi>Now that you know this' in come.last


@pytest.mark.parametrize(
    "body",
    [b"", b"page=consent", b"\xff\xfe=%ff&page=%00", b"&".join(b"a=1" for _ in range(1100)), b"page=consent&attempt=x"],
)
async def test_whatever_is_sent_breaks_nothing(tmp_path, body):
    async with around(tmp_path) as room:
        come = await visitor(room)
        response = await room.client.post(come.path, body, headers=[FORM])
        known = room.state.enrolment.state.participations[come.session_id]

    assert response.status == 303
    assert known.answers == {}


@pytest.mark.parametrize("session_id", ["start", "study", "x" * 300, "0c7d7c8e-52a1-4c3c-8f0e-0d8f4a1d2b3c"])
async def test_a_session_that_was_not_given_out_has_no_pages(tmp_path, session_id):
    async with around(tmp_path) as room:
        looked = await room.client.get(f"/session/{session_id}", headers=[("accept-language", "de")])

    assert looked.status == 404
    assert PAGE_WORDS["de"]["unknown_session"] in looked.body.decode()


async def test_what_cannot_be_stored_comes_back_and_can_be_sent_again(tmp_path):
    store = Failing()
    async with around(tmp_path, store=store) as room:
        come = await visitor(room)
        await come.on("agree")
        await come.on()
        await come.on(**BEFORE_1)
        store.failing = {"append"}
        response = await come.send(**BEFORE_2, words="Do not lose me")
        store.failing = set()
        kept = come.last
        there = await come.on(**BEFORE_2, words="Do not lose me")

    assert response.status == 503
    assert "SECRET" not in kept
    assert PAGE_WORDS["en"]["unavailable"] in kept
    assert "Do not lose me</textarea>" in kept
    assert there.startswith("/chat")


async def test_a_page_answered_on_another_server_is_done_here(tmp_path):
    store = Yielding()
    async with around(tmp_path, store=store) as room:
        come = await visitor(room)
        await come.on("agree")
        await come.on()
        await come.on(**BEFORE_1)
        async with around(tmp_path / "other", store=store) as other:
            there = Visitor(other, come.session_id)
            await there.look()
            await there.on(**BEFORE_2)
        hello = await room.open(come.session_id).receive()

    assert hello["type"] == "hello"


# --- what the room gets of it


async def test_the_chat_knows_the_answers_that_stances_need_and_no_others(tmp_path):
    async with web(tmp_path, about=load_settings(EXAMPLE)) as room:
        come = await visitor(room)
        await come.on("agree")
        await come.on(Q1="4", topic="traffic")
        await room.open(come.session_id).receive()
        (started,) = await room.logged(come.session_id, SessionStarted)
        known = room.state.enrolment.state.participations[come.session_id]

    assert started.answers == {"Q1": "4"}
    assert started.treatment == known.treatment
    agree = started.experimental_config.stances.agree
    closed = "You want Linden Street to be closed to through traffic, and you say so."
    assert list(started.sides.values()).count("agree") == agree
    assert {started.stances[name] for name, side in started.sides.items() if side == "agree"} == {closed}


async def test_the_example_runs_from_the_consent_to_the_end(tmp_path):
    async with web(tmp_path, about=load_settings(EXAMPLE)) as room:
        come = await visitor(room)
        await come.on("agree")
        await come.on(Q1="1", topic="traffic")
        await chatted(room, come)
        seeded = await room.logged(come.session_id, MessagePosted)
        await come.look()
        await come.on(Q2="2", tone__respect="4", tone__listen="3")
        await come.on(data="yes")
        known = room.state.enrolment.state.participations[come.session_id]

    assert seeded[0].sender == "Priya"
    assert come.title == "Thank you for taking part!"
    assert known.outcome == "completed"


async def test_a_treatment_by_strata_reaches_the_room(tmp_path):
    pages = {"before.md": question(name="side", kind="single", text="?", options=["a", "b"])}
    strata = AssignmentSettings(strata={"side": ("a", "b")})
    async with around(tmp_path, pages, "warm", "cold", assignment=strata) as room:
        await room.state.enrolment.submit(CreateTokens(tokens=tuple(token(f"t{n}") for n in range(6))))
        treatments = []
        for n in range(6):
            response = await room.client.post("/session/start", {"token": f"t{n}"})
            come = Visitor(room, response.json["session_id"])
            await come.look()
            before = room.state.enrolment.state.participations[come.session_id].treatment
            await come.on(side="a")
            await room.open(come.session_id).receive()
            (started,) = await room.logged(come.session_id, SessionStarted)
            given = room.state.enrolment.state.participations[come.session_id].treatment
            treatments.append((before, given, started.treatment, started.experimental_config.prompt_template))

    assert {before for before, *_ in treatments} == {None}
    assert sorted(given for _, given, *_ in treatments) == ["cold"] * 3 + ["warm"] * 3
    assert all(ran == given and told == f"TREATMENT {given}" for _, given, ran, told in treatments)


# --- how the pages are


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_pages_own_words_are_in_the_language(tmp_path, language):
    async with around(tmp_path) as room:
        come = await visitor(room, headers=[("accept-language", language)])
        first = come.last
        await come.on("agree")
        await come.on()
        await come.send()

    words = PAGE_WORDS[language]
    assert f'<html lang="{language}" dir="{LANGUAGES[language]}">' in first
    assert words["decline"] in first
    for said in (words["choose"], words["optional"], words["problems_title"]):
        assert said in come.last


def test_every_language_says_the_same_things():
    for words in PAGE_WORDS.values():
        assert words.keys() == PAGE_WORDS["en"].keys()
        for key, text in words.items():
            assert ("{limit}" in text) == ("{limit}" in PAGE_WORDS["en"][key])


async def test_nothing_that_a_page_holds_is_run_or_loaded_from_elsewhere(tmp_path):
    page = "# <script>alert(1)</script>\n\n<b onclick=x>bold</b> [a](javascript:alert(1)) [out](https://x.example)\n\n"
    asked = question(name="Q", kind="text", text="<i>?</i>", hint="**strong**")
    async with around(tmp_path, {"before.md": page + asked}) as room:
        come = await visitor(room)

    response, html = come.seen[-1], come.last
    policy = response.header("content-security-policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.header("cache-control") == "no-store"
    assert response.header("referrer-policy") == "no-referrer"
    assert "<script>" not in html
    assert "<b onclick" not in html
    assert 'href="javascript' not in html
    assert '<a href="https://x.example" target="_blank" rel="noopener noreferrer">out</a>' in html
    assert "&lt;i&gt;?&lt;/i&gt;" in html
    assert "<strong>strong</strong>" in html


ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
TELLING = ("uncivil", "majority", "=with", "against", "disagree", "treatment", "scripted", "TEMPLATE", "stance")


@pytest.mark.parametrize("answer", ["1", "4"])
async def test_the_pages_are_the_same_in_all_arms(tmp_path, answer):
    # given a participant in each arm of a factorial study
    about = load_settings(EXAMPLE)
    async with web(tmp_path, about=about) as room:
        tokens = [token(arm.name, treatment=arm.name) for arm in about.treatments]
        await room.state.enrolment.submit(CreateTokens(tokens=tuple(tokens)))
        # when they go all the way, with a check that is not passed at first
        ways = {arm.name: await the_whole_way(room, arm.name, answer) for arm in about.treatments}

    # then no byte differs, and no word is about the arm
    assert len(ways) == 4
    (way,) = set(ways.values())
    assert [word for word in TELLING if word in way] == []


async def the_whole_way(room: Web, name: str, answer: str) -> str:
    """All that somebody gets to see before and after the chat, ids aside."""
    started = await room.client.post("/session/start", {"token": name})
    come = Visitor(room, started.json["session_id"])
    come.seen.append(started)
    await come.look()
    await come.on("agree")
    await come.send(Q1=answer, topic="trees")
    await come.on(Q1=answer, topic="traffic")
    frames = await chatted(room, come)
    await come.look()
    await come.on(Q2="1", tone__respect="1", tone__listen="1")
    await come.on(data="no")
    await come.look()
    seen = [(response.status, response.headers, response.body.decode()) for response in come.seen]
    return ID.sub("ID", repr([*seen, frames[-1]["next"]]))


async def test_after_a_stop_nobody_is_asked_for_anything_who_has_not_begun(tmp_path):
    async with around(tmp_path) as room:
        asked, ready, begun = [await visitor(room) for _ in range(3)]
        for come in (ready, begun):
            await to_chat(come)
        await room.open(begun.session_id).receive()
        await room.state.enrolment.submit(Pause(stop=True))
        answers = [await come.look() for come in (asked, ready, begun)]

    assert [answer.status for answer in answers] == [403, 403, 303]
    assert "The study is paused" in asked.last


async def test_an_input_of_a_page_reaches_a_running_server_by_its_operator(tmp_path):
    async with around(tmp_path) as room:
        come = await visitor(room)
        await room.state.enrolment.submit(FillPage(session_id=come.session_id, page="consent", agreed=True))
        await come.look()

    assert come.title == "What you will do"


async def test_the_usual_study_has_no_pages(tmp_path):
    assert study().pages == ()
    assert study().rules.pages == ()
