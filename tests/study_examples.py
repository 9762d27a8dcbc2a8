"""One example of every event of a study's log, as docs/log.md shows them."""

from roomful.codec import GENESIS
from roomful.core.assignment import Arm, AssignmentRules, Variable
from roomful.core.enrolment import (
    ChatEnded,
    ChecksMissed,
    ConsentAnswered,
    DataErased,
    DeviationRecorded,
    EnrolmentRules,
    OutcomeReached,
    PageAnswered,
    PageShown,
    ParticipantArrived,
    ParticipationBegun,
    PlaceReleased,
    PlaceRetaken,
    StudyEntry,
    StudyEvent,
    StudyFrozen,
    StudyPaused,
    StudyResumed,
    StudySetUp,
    Token,
    TokensCreated,
    TokensRevoked,
    TreatmentAssigned,
)
from roomful.core.pages import PageRules
from roomful.study_codec import encode_study
from roomful.token_file import hashed

STARTED = 1_772_440_200.0  # 2026-03-02T08:30:00Z
FIRST, SECOND = "6f1c2a7e-0d3b-4c58-9a61-2b7f4e5d8c90", "0c7d7c8e-52a1-4c3c-8f0e-0d8f4a1d2b3c"

CONSENT, BEFORE = "7d1f" * 16, "0e5b" * 16

RULES = EnrolmentRules(
    assignment=AssignmentRules(
        arms=(Arm(name="warm"), Arm(name="cold", weight=2.0, quota=100)),
        strata=(Variable(name="site", values=("Berlin", "Wien")),),
        seed=7,
    ),
    links=("prolific",),
    closes=STARTED + 1_209_600,
    pages=(
        PageRules(name="consent", role="consent", hash=CONSENT, version="2026-03"),
        PageRules(name="before", role="before", hash=BEFORE, asks=("Q1", "task")),
    ),
)

PARTS = {
    "experimental_settings.json: prompt_template": hashed("template"),
    "model": "gemini gemini-3.5-flash-lite",
    "pages/consent.md": hashed("consent"),
}

HAPPENED: list[tuple[float, StudyEvent, str | None]] = [
    (0.0, StudySetUp(rules=RULES), "set_up"),
    (
        60.2,
        TokensCreated(
            tokens=(
                Token(token=hashed("k7mw2q9xh4tp"), label="001", variables={"site": "Wien"}),
                Token(token=hashed("n3vd8s6cj5yb"), label="002", treatment="cold", participant="P-17"),
            )
        ),
        "create_tokens",
    ),
    (95.0, TokensRevoked(tokens=(hashed("n3vd8s6cj5yb"),)), "revoke_tokens"),
    (
        3600.004,
        ParticipantArrived(
            session_id=FIRST,
            token=None,
            link="prolific",
            participant="5f9a3c1e7b2d4a0016c8e9d1",
            parameters={"PROLIFIC_PID": "5f9a3c1e7b2d4a0016c8e9d1", "STUDY_ID": "64c1", "site": "Berlin"},
            test=False,
            expires=STARTED + 5400.004,
        ),
        "arrive",
    ),
    (
        3600.004,
        TreatmentAssigned(session_id=FIRST, treatment="cold", method="least_filled", stratum=("Berlin",), place=1),
        None,
    ),
    (
        3600.004,
        ParticipantArrived(
            session_id=SECOND,
            token=hashed("k7mw2q9xh4tp"),
            link=None,
            participant=None,
            parameters={},
            test=False,
            expires=STARTED + 5400.004,
        ),
        "arrive",
    ),
    (3602.0, PageShown(session_id=FIRST, page="consent"), "show_page"),
    (
        3640.5,
        ConsentAnswered(
            session_id=FIRST, page="consent", version="2026-03", hash=CONSENT, about="participation", given=True
        ),
        "fill_page",
    ),
    (3640.5, PageAnswered(session_id=FIRST, page="consent", hash=CONSENT, answers={}), None),
    (3640.7, PageShown(session_id=FIRST, page="before"), "show_page"),
    (
        3671.0,
        ChecksMissed(
            session_id=FIRST, page="before", checks=("task",), answers={"Q1": "4", "task": "write"}, attempt=1
        ),
        "fill_page",
    ),
    (
        3690.25,
        PageAnswered(session_id=FIRST, page="before", hash=BEFORE, answers={"Q1": "4", "task": "chat"}),
        "fill_page",
    ),
    (3694.5, ParticipationBegun(session_id=FIRST), "begin"),
    (3700.0, StudyPaused(reason="the lab is closed", stopped=False), "pause"),
    (4000.0, StudyResumed(), "unpause"),
    (4505.0, ChatEnded(session_id=FIRST, reason="duration_expired"), "end_chat"),
    (4505.0, OutcomeReached(session_id=FIRST, outcome="completed"), None),
    (5460.0, PlaceReleased(session_id=SECOND, reason="not_begun"), "arrive"),
    (5520.0, PlaceRetaken(session_id=SECOND, expires=STARTED + 7320.0), "arrive"),
    (5600.0, DataErased(session_id=FIRST, number=1, arrived=STARTED + 3600.004, link="prolific"), "erase"),
    (5700.0, StudyFrozen(hash=hashed("before"), parts=PARTS), "freeze"),
    (
        5800.0,
        DeviationRecorded(
            number=1,
            reason="a typing error on the consent page",
            changes=("pages/consent.md was changed",),
            hash=hashed("after"),
            parts=PARTS | {"pages/consent.md": hashed("corrected")},
        ),
        "deviate",
    ),
]


def entries() -> list[StudyEntry]:
    """The examples as one numbered log."""
    return [StudyEntry(seq, STARTED + at, event, cause) for seq, (at, event, cause) in enumerate(HAPPENED, 1)]


def lines() -> list[str]:
    """The examples as the lines of one log, in one chain."""
    link, written = GENESIS, []
    for entry in entries():
        encoded = encode_study(entry, link, f"{entry.seq:032x}")
        link = encoded.hash
        written.append(encoded.text)
    return written


def blocks() -> list[str]:
    """The lines as a page shows them: the data of each on a line of its own."""
    return [line.replace(',"data":', ',\n "data":', 1) for line in lines()]
