"""The way through pages and chat, decided on the study's log: each step once, each end for its reason."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomful.core.admission import Begin, EndChat, Erase, FillPage, ShowPage, Withdraw
from roomful.core.audit import audit
from roomful.core.decide import Refused
from roomful.core.enrolment import (
    ChatEnded,
    ChecksMissed,
    ConsentAnswered,
    OutcomeReached,
    PageAnswered,
    PageShown,
    PlaceReleased,
    PlaceRetaken,
    TreatmentAssigned,
)
from roomful.core.journey import GRACE, place_of, time_left
from roomful.core.pages import PageRules
from roomful.core.roster import fold_study
from roomful.study_codec import decode_study, encode_study
from tests.enrolling import NOON, Door, rules

CONSENT = PageRules(name="consent", role="consent", hash="c", version="3")
TASK = PageRules(name="instructions", role="instructions", hash="i")
BEFORE = PageRules(name="before", role="before", hash="b", asks=("Q1", "check"))
AFTER = PageRules(name="after", role="after", hash="a", asks=("Q2",))
DEBRIEF = PageRules(name="debrief", role="debrief", hash="d", version="1")
END = PageRules(name="end", role="end", hash="e")
ALL = (CONSENT, TASK, BEFORE, AFTER, DEBRIEF, END)


def door(*pages: PageRules, weights: tuple[float, ...] = (1, 1), **more: object) -> Door:
    return Door(rules(*weights, links=("p",), pages=pages or ALL, **more))


def fill(at: Door, page: str, session_id: str = "s1", **about: object) -> list[object]:
    return at.enter(FillPage(session_id=session_id, page=page, **about))


def where(at: Door, session_id: str = "s1") -> str:
    place = place_of(at.state.rules.pages, at.state.participations[session_id])
    return place if isinstance(place, str) else place.name


def outcome(at: Door, session_id: str = "s1") -> str | None:
    return at.state.participations[session_id].outcome


def through(at: Door, session_id: str = "s1") -> None:
    """Up to the chat's end, its time having run."""
    through_chat(at, "duration_expired", session_id)


def through_chat(at: Door, reason: str, session_id: str = "s1") -> None:
    fill(at, "consent", session_id, agreed=True)
    fill(at, "instructions", session_id)
    fill(at, "before", session_id, answers={"Q1": "4"})
    at.enter(Begin(session_id=session_id))
    at.enter(EndChat(session_id=session_id, reason=reason))


def test_the_way_leads_over_every_page_and_the_chat():
    at = door()
    at.arrive(link="p", who="1")
    seen = [where(at)]
    for page in ("consent", "instructions", "before"):
        fill(at, page, agreed=True if page == "consent" else None)
        seen.append(where(at))
    at.enter(Begin(session_id="s1"))
    at.enter(EndChat(session_id="s1", reason="duration_expired"))
    seen.append(where(at))
    for page in ("after", "debrief"):
        fill(at, page)
        seen.append(where(at))

    assert seen == ["consent", "instructions", "before", "chat", "after", "debrief", "over"]
    assert outcome(at) == "completed"


def test_without_pages_there_is_the_chat_and_nothing_else():
    at = Door(rules(1, 1, links=("p",)))
    at.arrive(link="p", who="1")
    at.enter(Begin(session_id="s1"))
    events = at.enter(EndChat(session_id="s1", reason="duration_expired"))

    assert events == [
        ChatEnded(session_id="s1", reason="duration_expired"),
        OutcomeReached(session_id="s1", outcome="completed"),
    ]
    assert where(at) == "over"


def test_a_page_is_shown_once():
    at = door()
    at.arrive(link="p", who="1")

    first = at.enter(ShowPage(session_id="s1", page="consent"))
    again = at.enter(ShowPage(session_id="s1", page="consent"))
    ahead = at.enter(ShowPage(session_id="s1", page="before"))

    assert first == [PageShown(session_id="s1", page="consent")]
    assert again == ahead == []


def test_consent_is_kept_with_its_version_and_hash():
    at = door()
    at.arrive(link="p", who="1")

    consent, answered = fill(at, "consent", agreed=True)

    about = {"session_id": "s1", "page": "consent", "version": "3", "hash": "c", "about": "participation"}
    assert consent == ConsentAnswered(**about, given=True)
    assert answered == PageAnswered(session_id="s1", page="consent", hash="c", answers={})


def test_without_consent_it_is_over():
    at = door()
    at.arrive(link="p", who="1")
    refused, over = fill(at, "consent", agreed=False)

    assert isinstance(refused, ConsentAnswered)
    assert not refused.given
    assert over == OutcomeReached(session_id="s1", outcome="no_consent")
    assert where(at) == "over"
    assert fill(at, "consent", agreed=True) == []


def test_where_consent_is_not_required_a_no_is_kept_and_the_way_goes_on():
    at = door(replace(CONSENT, required=False), BEFORE)
    at.arrive(link="p", who="1")
    fill(at, "consent", agreed=False)

    assert at.state.participations["s1"].consent is False
    assert where(at) == "before"


def test_the_second_consent_is_one_to_the_use_of_data():
    at = door()
    at.arrive(link="p", who="1")
    through(at)
    fill(at, "after")
    consent, _ = fill(at, "debrief", agreed=False)

    assert (consent.about, consent.given, consent.version) == ("data", False, "1")
    assert at.state.participations["s1"].consent is True
    assert outcome(at) == "completed"


def test_a_form_that_is_sent_twice_counts_once():
    at = door()
    at.arrive(link="p", who="1")
    fill(at, "consent", agreed=True)
    before = list(at.entries)

    assert fill(at, "consent", agreed=True) == []
    assert fill(at, "consent", agreed=False) == []
    assert at.entries == before


def test_checks_may_be_tried_as_often_as_the_page_says():
    at = door(replace(BEFORE, tries=3))
    at.arrive(link="p", who="1")
    wrong = {"missed": ("check",), "answers": {"Q1": "1", "check": "x"}}

    first = fill(at, "before", **wrong)
    twice = fill(at, "before", **wrong)
    second = fill(at, "before", **wrong, attempt=2)
    last = fill(at, "before", **wrong, attempt=3)

    about = {"session_id": "s1", "page": "before", "checks": ("check",), "answers": wrong["answers"]}
    assert first == [ChecksMissed(**about, attempt=1)]
    assert twice == []
    assert second == [ChecksMissed(**about, attempt=2)]
    assert last == [ChecksMissed(**about, attempt=3), OutcomeReached(session_id="s1", outcome="failed_check")]
    assert where(at) == "over"


def test_a_check_that_is_passed_at_last_is_passed():
    at = door(BEFORE)
    at.arrive(link="p", who="1")
    fill(at, "before", missed=("check",))
    fill(at, "before", answers={"check": "right"}, attempt=2)

    assert where(at) == "chat"


def test_checks_may_be_for_the_record_only():
    at = door(replace(BEFORE, tries=1, on_failure="continue"))
    at.arrive(link="p", who="1")
    missed, answered = fill(at, "before", missed=("check",), answers={"check": "x"})

    assert isinstance(missed, ChecksMissed)
    assert answered.answers == {"check": "x"}
    assert where(at) == "chat"


def test_an_answer_screens_out_and_is_kept():
    at = door(BEFORE)
    at.arrive(link="p", who="1")
    answered, over = fill(at, "before", answers={"Q1": "no"}, screened=True)

    assert answered.answers == {"Q1": "no"}
    assert over == OutcomeReached(session_id="s1", outcome="screened_out")


def test_who_failed_after_the_chat_is_debriefed_all_the_same():
    at = door(replace(AFTER, tries=1), replace(AFTER, name="after-2"), DEBRIEF)
    at.arrive(link="p", who="1")
    at.enter(Begin(session_id="s1"))
    at.enter(EndChat(session_id="s1", reason="duration_expired"))
    fill(at, "after", missed=("Q2",))

    assert outcome(at) == "failed_check"
    assert where(at) == "debrief"


@pytest.mark.parametrize(
    ("reason", "reached"),
    [
        ("participant_left", "withdrew_keep_data"),
        ("websocket_disconnect", "dropped_out"),
        ("error", "technical_problem"),
        ("the lab closes", "ended_by_researcher"),
    ],
)
def test_whose_chat_did_not_run_its_time_is_asked_nothing_more_but_debriefed(reason, reached):
    at = door(AFTER, DEBRIEF)
    at.arrive(link="p", who="1")
    at.enter(Begin(session_id="s1"))
    at.enter(EndChat(session_id="s1", reason=reason))

    assert outcome(at) == reached
    assert where(at) == "debrief"


def test_who_deletes_at_the_end_of_the_chat_is_out_at_once_and_debriefed_without_a_trace():
    at = door()
    at.arrive(link="p", who="1")
    through_chat(at, "participant_withdrew")
    reached = outcome(at)
    at.enter(Erase(session_id="s1"))
    bare = at.state.participations["s1"]

    (answered,) = fill(at, "debrief", agreed=False, answers={"Q9": "a secret"})

    assert (reached, where(at)) == ("withdrew_delete_data", "over")
    assert (bare.shown, bare.done, bare.answers, bare.consent) == ({}, (), {}, None)
    assert answered == PageAnswered(session_id="s1", page="debrief", hash="d", answers={})


def test_who_is_among_the_pages_may_withdraw_and_never_chats():
    at = door()
    at.arrive(link="p", who="1")
    fill(at, "consent", agreed=True)

    events = at.enter(Withdraw(session_id="s1", delete=False))

    assert events == [OutcomeReached(session_id="s1", outcome="withdrew_keep_data")]
    assert (where(at), at.state.live) == ("over", 0)
    assert at.enter(Begin(session_id="s1")) == fill(at, "instructions") == []


def test_whose_time_of_keeping_is_over_is_asked_nothing_more():
    at = door()
    at.arrive(link="p", who="1")
    through(at)
    before = where(at)

    events = at.enter(Erase(session_id="s1"))

    assert before == "after"
    assert events[0] == PlaceReleased(session_id="s1", reason="not_completed")
    assert where(at) == "debrief"


def test_nobody_has_completed_before_the_last_question_after_the_chat():
    at = door(AFTER, replace(AFTER, name="after-2"))
    at.arrive(link="p", who="1")
    at.enter(Begin(session_id="s1"))
    at.enter(EndChat(session_id="s1", reason="duration_expired"))
    fill(at, "after")
    before = outcome(at)
    fill(at, "after-2")

    assert before is None
    assert outcome(at) == "completed"
    assert at.state.live == 0
    assert not at.state.due


def test_the_place_of_who_leaves_before_the_questions_after_is_released_and_theirs_again():
    at = door(AFTER, reserve_for=600.0)
    at.arrive(link="p", who="1")
    at.enter(Begin(session_id="s1"))
    at.enter(EndChat(session_id="s1", reason="duration_expired"))
    at.now = NOON + 601
    at.arrive(link="p", who="2")
    released = at.state.participations["s1"].released
    totals = dict(at.state.totals)
    events = fill(at, "after")

    assert released
    assert sum(totals.values()) == 1
    assert [type(event) for event in events] == [PlaceRetaken, PageAnswered, OutcomeReached]
    assert sum(at.state.totals.values()) == 2
    assert audit(at.entries).faults == ()


def test_who_takes_long_over_the_pages_counts_once():
    at = door(BEFORE, reserve_for=60.0)
    at.arrive(link="p", who="1")
    at.now = NOON + 61
    at.arrive(link="p", who="2")
    fill(at, "before")
    at.enter(Begin(session_id="s1"))

    assert sum(at.state.totals.values()) == 2
    assert at.state.live == 2


def test_who_is_out_comes_back_to_the_end_and_takes_no_place():
    at = door(CONSENT, reserve_for=60.0, release_after=5.0)
    at.arrive(link="p", who="1")
    fill(at, "consent", agreed=False)
    at.now = NOON + 100
    at.arrive(link="p", who="2")
    before = list(at.entries)
    again = at.arrive(link="p", who="1")

    assert again.session_id == "s1"
    assert again.released
    assert at.entries == before


def test_a_session_that_somebody_opened_all_the_same_changes_no_outcome():
    at = door(CONSENT)
    at.arrive(link="p", who="1")
    fill(at, "consent", agreed=False)
    at.now = NOON + 10_000
    at.arrive(link="p", who="2")
    events = at.enter(Begin(session_id="s1")) + at.enter(EndChat(session_id="s1", reason="stopped"))

    assert events == []
    assert (outcome(at), where(at)) == ("no_consent", "over")


def test_who_has_begun_is_not_led_back_to_a_page_that_is_new():
    at = Door(rules(1, links=("p",)))
    at.arrive(link="p", who="1")
    at.enter(Begin(session_id="s1"))
    at.state = at.state._replace(rules=replace(at.state.rules, pages=(BEFORE,)))

    assert where(at) == "chat"


def test_a_page_of_nobody_is_refused():
    with pytest.raises(Refused):
        fill(door(), "consent", "s9")


# --- limits of time

LIMITED = replace(BEFORE, time_limit=60)
TIMED_OUT = OutcomeReached(session_id="s1", outcome="timed_out")


def limited(*pages: PageRules, **more: object) -> Door:
    """Somebody who has come to the first page at noon."""
    at = door(*pages, **more)
    at.arrive(link="p", who="1")
    at.enter(ShowPage(session_id="s1", page=where(at)))
    return at


def left(at: Door) -> float | None:
    return time_left(at.state.rules, at.state.participations["s1"], at.now)


@pytest.mark.parametrize(
    ("after", "reached"), [(60.0, None), (60.0 + GRACE, None), (60.001 + GRACE, "timed_out"), (1e6, "timed_out")]
)
def test_an_answer_counts_until_the_page_s_time_is_over_and_the_network_s_too(after, reached):
    at = limited(LIMITED)
    at.now = NOON + after
    (event, *_) = fill(at, "before", answers={"Q1": "4"})

    assert outcome(at) == reached
    assert event == (
        TIMED_OUT if reached else PageAnswered(session_id="s1", page="before", hash="b", answers={"Q1": "4"})
    )
    assert where(at) == ("over" if reached else "chat")


def test_who_comes_to_a_page_is_told_how_long_they_have_from_their_first_coming():
    at = limited(LIMITED)
    at.now = NOON + 45
    again = at.enter(ShowPage(session_id="s1", page="before"))
    seconds = left(at)
    at.now = NOON + 70
    late = at.enter(ShowPage(session_id="s1", page="before"))

    assert (again, seconds) == ([], 15.0)
    assert late == [TIMED_OUT]
    assert left(at) is None
    assert at.enter(ShowPage(session_id="s1", page="before")) == []


def test_the_time_of_a_page_begins_with_the_page_and_not_with_those_before():
    at = limited(CONSENT, LIMITED)
    at.now = NOON + 5000
    unlimited = left(at)
    fill(at, "consent", agreed=True)
    at.enter(ShowPage(session_id="s1", page="before"))
    at.now += 60
    fill(at, "before")

    assert unlimited is None
    assert where(at) == "chat"


def test_the_tries_of_a_check_have_one_time_together():
    at = limited(replace(LIMITED, tries=3))
    at.now = NOON + 50
    fill(at, "before", missed=("check",))
    at.now = NOON + 100

    assert fill(at, "before", missed=("check",), attempt=2) == [TIMED_OUT]


def test_a_no_to_taking_part_is_one_however_late():
    at = limited(replace(CONSENT, time_limit=60))
    at.now = NOON + 1000
    fill(at, "consent", agreed=False)

    assert outcome(at) == "no_consent"
    assert at.state.participations["s1"].consent is False


def test_all_pages_before_the_chat_may_have_a_time_together():
    at = limited(CONSENT, replace(BEFORE, time_limit=100), before_chat=300.0)
    first = left(at)
    at.now = NOON + 290
    fill(at, "consent", agreed=True)
    at.enter(ShowPage(session_id="s1", page="before"))
    second = left(at)
    at.now = NOON + 306

    assert (first, second) == (300.0, 10.0)
    assert fill(at, "before") == [TIMED_OUT]


def test_the_chat_and_what_comes_after_it_are_not_in_the_time_before_it():
    at = limited(BEFORE, AFTER, before_chat=300.0)
    fill(at, "before")
    at.now = NOON + 9000
    waiting = left(at)
    at.enter(Begin(session_id="s1"))
    at.enter(EndChat(session_id="s1", reason="duration_expired"))
    fill(at, "after")

    assert waiting is None
    assert outcome(at) == "completed"


def test_a_page_after_the_chat_may_have_its_time_and_the_debriefing_follows():
    at = limited(replace(AFTER, time_limit=60), DEBRIEF)
    at.enter(Begin(session_id="s1"))
    at.enter(EndChat(session_id="s1", reason="duration_expired"))
    at.enter(ShowPage(session_id="s1", page="after"))
    at.now = NOON + 100

    assert fill(at, "after", answers={"Q2": "4"}) == [TIMED_OUT]
    assert where(at) == "debrief"


def test_the_place_of_who_was_too_slow_is_given_to_the_next():
    at = limited(LIMITED, weights=(1,), quota=1, release_after=10.0)
    at.now = NOON + 100
    fill(at, "before")
    with pytest.raises(Refused, match="as many as are wanted"):
        at.arrive(link="p", who="2")
    at.now += 10
    second = at.arrive(link="p", who="3")

    assert at.state.participations["s1"].released
    assert (second.treatment, dict(at.state.totals)) == ("A", {"A": 1})
    assert audit(at.entries).faults == ()


def test_who_comes_back_too_late_to_a_place_that_is_gone_takes_none_and_is_told():
    at = limited(BEFORE, weights=(1,), quota=1, reserve_for=60.0, before_chat=50.0)
    at.now = NOON + 61
    at.arrive(link="p", who="2")
    before = list(at.entries)
    known = at.arrive(link="p", who="1")

    assert [type(entry.event) for entry in before[-4:-2]] == [PlaceReleased, OutcomeReached]
    assert at.entries == before
    assert (known.session_id, known.outcome, known.released) == ("s1", "timed_out", True)
    assert (where(at), dict(at.state.totals), at.state.live) == ("over", {"A": 1}, 1)
    assert audit(at.entries).faults == ()


def test_who_comes_back_too_late_themselves_takes_no_place_again_either():
    at = limited(LIMITED, reserve_for=30.0, release_after=5.0)
    at.now = NOON + 31
    at.arrive(link="p", who="2")
    released = at.state.participations["s1"]
    at.now = NOON + 100
    before = list(at.entries)
    at.arrive(link="p", who="1")
    came = list(at.entries)
    shown = at.enter(ShowPage(session_id="s1", page="before"))

    assert (released.released, released.outcome) == (True, None)
    assert came == before
    assert shown == [TIMED_OUT]
    assert at.state.live == 1
    assert "s1" not in at.state.due


def test_without_a_limit_who_comes_back_keeps_their_treatment_and_counts():
    at = limited(BEFORE, weights=(1,), quota=1, reserve_for=60.0)
    at.now = NOON + 61
    at.arrive(link="p", who="2")
    at.arrive(link="p", who="1")

    assert [type(entry.event) for entry in at.entries].count(PlaceRetaken) == 1
    assert at.state.totals == {"A": 2}


def test_the_time_goes_on_over_a_restart():
    at = limited(CONSENT, LIMITED, before_chat=900.0)
    fill(at, "consent", agreed=True)
    at.now = NOON + 10
    at.enter(ShowPage(session_id="s1", page="before"))

    lines = [encode_study(entry, "0" * 64, f"{entry.seq:032x}").text for entry in at.entries]
    after = Door(state=fold_study([decode_study(line) for line in lines]), now=NOON + 30)

    assert left(after) == 40.0
    assert after.state.rules == at.state.rules
    after.now = NOON + 76
    assert fill(after, "before") == [TIMED_OUT]


# --- strata by answers


def test_a_treatment_waits_for_the_answer_that_is_a_stratum():
    at = door(CONSENT, BEFORE, strata={"Q1": ("yes", "no")})
    at.arrive(link="p", who="1")
    consent = fill(at, "consent", agreed=True)
    events = fill(at, "before", answers={"Q1": "no"})

    assert at.state.participations["s1"].treatment is not None
    assert [type(event) for event in consent] == [ConsentAnswered, PageAnswered]
    assert [type(event) for event in events] == [PageAnswered, TreatmentAssigned]
    assert events[1].stratum == ("no",)


def test_strata_by_answers_are_balanced_within_and_can_be_audited():
    at = door(BEFORE, strata={"Q1": ("yes", "no")})
    for number in range(40):
        known = at.arrive(link="p", who=str(number))
        fill(at, "before", known.session_id, answers={"Q1": "yes" if number % 4 else "no"})

    assert {name: sorted(pool.filled.values()) for name, pool in at.state.pools.items()} == {
        ("yes",): [15, 15],
        ("no",): [5, 5],
    }
    assert audit(at.entries) == replace(audit(at.entries), at_the_door=40, faults=())


def test_where_all_is_full_by_the_time_of_the_answer_it_is_over():
    at = door(BEFORE, strata={"Q1": ("yes", "no")}, quota=1, weights=(1,))
    for number in (1, 2):
        at.arrive(link="p", who=str(number))
    fill(at, "before", "s1", answers={"Q1": "yes"})
    fill(at, "before", "s2", answers={"Q1": "yes"})

    assert at.state.participations["s1"].treatment == "A"
    assert outcome(at, "s2") == "quota_full"


def test_a_place_that_is_due_is_there_for_who_answers():
    at = door(BEFORE, strata={"Q1": ("yes", "no")}, quota=1, weights=(1,), reserve_for=60.0)
    at.arrive(link="p", who="1")
    fill(at, "before", "s1", answers={"Q1": "yes"})
    at.now = NOON + 30
    at.arrive(link="p", who="2")
    at.now = NOON + 61
    fill(at, "before", "s2", answers={"Q1": "yes"})

    assert at.state.participations["s1"].released
    assert at.state.participations["s2"].treatment == "A"
    assert audit(at.entries).faults == ()


def test_who_is_screened_out_gets_no_treatment():
    at = door(BEFORE, strata={"Q1": ("yes", "no")})
    at.arrive(link="p", who="1")
    fill(at, "before", answers={"Q1": "no"}, screened=True)

    assert at.state.participations["s1"].treatment is None
    assert audit(at.entries).faults == ()


STEPS = st.tuples(
    st.sampled_from(["arrive", "consent", "instructions", "before", "after", "debrief", "begin", "end", "wait"]),
    st.integers(1, 4),
    st.integers(1, 2),
    st.booleans(),
)


@given(st.lists(STEPS, max_size=60), st.none() | st.integers(30, 200), st.none() | st.floats(30, 300))
def test_whatever_people_do_the_counts_hold(steps, limit, over):
    slow = [replace(page, time_limit=limit) if page.role in ("before", "after") else page for page in ALL]
    at = door(*slow, strata={"Q1": ("yes", "no")}, reserve_for=100.0, release_after=50.0, before_chat=over)
    for what, who, attempt, good in steps:
        session_id = at.state.people.get(f"p:{who}")
        if what == "wait":
            at.now += 60 * who
        elif what == "arrive":
            at.arrive(link="p", who=str(who))
        elif session_id is None:
            continue
        elif what == "begin":
            if where(at, session_id) == "chat":
                at.enter(Begin(session_id=session_id))
        elif what == "end":
            if at.state.participations[session_id].begun is not None:
                reason = "duration_expired" if good else "participant_left"
                at.enter(EndChat(session_id=session_id, reason=reason))
        else:
            missed = () if good or what != "before" else ("check",)
            about = {"agreed": good} if what in ("consent", "debrief") else {}
            answers = {"Q1": "yes"} if what == "before" else {}
            at.enter(ShowPage(session_id=session_id, page=what))
            fill(at, what, session_id, answers=answers, missed=missed, attempt=attempt, **about)

    people = at.state.participations.values()
    assert at.state.live == sum(known.under_way for known in people)
    counted = [known for known in people if known.treatment and not known.released]
    assert sum(at.state.totals.values()) == len(counted)
    assert audit(at.entries).faults == ()
    ends = [entry.event.session_id for entry in at.entries if isinstance(entry.event, OutcomeReached)]
    assert len(ends) == len(set(ends))
