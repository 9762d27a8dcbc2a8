"""Around the sessions: who came in and how, with which treatment, and how they went out. The study's own log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from roomful.core.assignment import AssignmentRules
from roomful.core.events import Erased
from roomful.core.pages import PageRules

type Outcome = Literal[
    "completed",
    "no_consent",
    "screened_out",
    "failed_check",
    "timed_out",
    "dropped_out",
    "withdrew_keep_data",
    "withdrew_delete_data",
    "technical_problem",
    "quota_full",
    "ended_by_researcher",
]
"""What became of a participation; nothing else ever does."""

OUTCOMES: Mapping[str, Outcome] = MappingProxyType(
    {
        "duration_expired": "completed",
        "websocket_disconnect": "dropped_out",
        "participant_left": "withdrew_keep_data",
        "participant_withdrew": "withdrew_delete_data",
        "budget_exhausted": "technical_problem",
        "llm_unavailable": "technical_problem",
        "error": "technical_problem",
        "distress": "ended_by_researcher",
    }
)
"""The `reason` of a `session_end`, and the outcome that it means."""


def outcome_of(reason: str) -> Outcome:
    """What the end of a session for this reason makes of the participation; a reason of their own is researchers'."""
    return OUTCOMES.get(reason, "ended_by_researcher")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentRules:
    """How people come in. Times are in seconds since the epoch (UTC), spans in seconds."""

    assignment: AssignmentRules = field(default_factory=AssignmentRules)
    links: tuple[str, ...] = ()
    """The names of the entry links that are open."""
    repeat: bool = False
    """Whether somebody whose session is over may take part once more."""
    opens: float | None = None
    closes: float | None = None
    max_live: int | None = None
    """How many participations may be under way at a time."""
    reserve_for: float = 1800.0
    """How long a place waits for the first socket of whom it was given to."""
    release_after: float = 600.0
    """How long the place of somebody who has not completed still counts."""
    pages: tuple[PageRules, ...] = ()
    """The pages around the chat, in the order in which participants come to them."""
    before_chat: float | None = None
    """How long somebody may take, from their arrival, over all pages before the chat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A participant's token: its SHA-256 in hex, and what is known of whoever has it."""

    token: str
    label: str
    treatment: str | None = None
    """None: assigned at the door."""
    participant: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    test: bool = False
    """Whether it is for trying the study out: it is counted nowhere."""


# --- what has happened


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySetUp:
    """The study's rules, as they are from now on."""

    rules: EnrolmentRules


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensCreated:
    """Tokens came into being; with `balanced` their treatments were allocated in their order, else they were given."""

    tokens: tuple[Token, ...]
    balanced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensRevoked:
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantArrived:
    """Somebody was let in and has a session of their own; the place is theirs until `expires`.

    They came by a token (its hash) or by a link; `parameters` are all that the link brought.
    """

    session_id: str
    token: str | None
    link: str | None
    participant: str | None
    parameters: Mapping[str, str]
    test: bool
    expires: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentAssigned:
    """A participation got its treatment: from its token, or at the door by the rules.

    `place` is the number of the place in the stratum that was opened for it, None where a vacant one was refilled
    or the token had the treatment.
    """

    session_id: str
    treatment: str
    method: Literal["token", "least_filled", "blocks"]
    stratum: tuple[str, ...]
    place: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageShown:
    """A participant has come to a page, for the first time."""

    session_id: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentAnswered:
    """A participant has said yes or no: to taking part, or once debriefed to the use of their data.

    `version` and `hash` tell which text they had before them.
    """

    session_id: str
    page: str
    version: str | None
    hash: str
    about: Literal["participation", "data"]
    given: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksMissed:
    """Checks of a page were not passed; `attempt` counts from 1."""

    session_id: str
    page: str
    checks: tuple[str, ...]
    answers: Mapping[str, str]
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAnswered:
    """A participant has filled in a page, or read it where it asks nothing, and goes on."""

    session_id: str
    page: str
    hash: str
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipationBegun:
    """The first socket was up: the token is spent, the place taken."""

    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceReleased:
    """The place of somebody who did not come, or did not complete, is there for others."""

    session_id: str
    reason: Literal["not_begun", "not_completed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRetaken:
    """Somebody who had not begun came back after their place was released: they keep their treatment, and count."""

    session_id: str
    expires: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatEnded:
    """The session ended, for the `reason` of its `session_end`."""

    session_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeReached:
    """The participation is over, with this outcome."""

    session_id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class DataErased:
    """What was known of a participation, and what was said in its session, was taken out of all logs.

    It was the arrival of this `number`, at this time, by the entry link `link` (None: by a token, or the demo token).
    """

    session_id: str
    number: int
    arrived: float
    link: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPaused:
    """Nobody new is let in; after a stop those who have not begun cannot begin either."""

    reason: str
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResumed:
    """People are let in again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFrozen:
    """The study is to stay as it is: the hash over its parts, and what stands in each part in short."""

    hash: str
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviationRecorded:
    """A frozen study was changed for a reason; deviations are numbered 1, 2, 3 …. `changes` names what differs."""

    number: int
    reason: str
    changes: tuple[str, ...]
    hash: str
    parts: Mapping[str, str]


type StudyEvent = (
    StudySetUp
    | TokensCreated
    | TokensRevoked
    | ParticipantArrived
    | TreatmentAssigned
    | PageShown
    | ConsentAnswered
    | ChecksMissed
    | PageAnswered
    | ParticipationBegun
    | PlaceReleased
    | PlaceRetaken
    | ChatEnded
    | OutcomeReached
    | DataErased
    | StudyPaused
    | StudyResumed
    | StudyFrozen
    | DeviationRecorded
    | Erased
)


@dataclass(frozen=True, slots=True)
class StudyEntry:
    """One line of the study's log: `seq` counts from 1, `at` is in seconds since the epoch, in whole microseconds.

    `input` is the name of what led to it, on the first entry of those that it led to.
    """

    seq: int
    at: float
    event: StudyEvent
    input: str | None = None
