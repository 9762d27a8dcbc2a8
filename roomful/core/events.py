"""What has happened: the facts a session's log is made of, in the past tense."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from roomful.core.inputs import Input, Reply
from roomful.core.records import record, value
from roomful.core.study import ExperimentalSettings, SimulationSettings

type Scalar = str | int | float | bool | None

USER = "user"
"""The sender of the participant's own messages, in the log and in the state."""


@record
class Prompt:
    """What an agent is asked.

    `system` says who it is, `text` holds the conversation as data, in one part. `due_in` is how many seconds
    from now its message is due. `answering` is the text of the participant's message that it answers.
    `seed` and `number` (1, 2, 3 … within the session) tell calls apart; only scripted agents read them. What is
    drawn for the message stands in `text` and here: about how many `words` (0: not drawn), and the kind of `speech`
    (one of `roomful.core.timing.KINDS`; "": not drawn).
    """

    agent_name: str
    system: str
    text: str
    answering: str | None = None
    due_in: float = 0.0
    seed: int = 0
    number: int = 0
    words: int = 0
    speech: str = ""


@record
class SessionStarted:
    """The participant came in and the clock started. Holds what is needed to run the session again."""

    session_id: str
    experimental_config: ExperimentalSettings
    simulation_config: SimulationSettings
    seed: int
    participant_name: str
    model: str
    versions: Mapping[str, str] = field(default_factory=dict)
    treatment: str | None = None
    levels: Mapping[str, str] = field(default_factory=dict)
    """The level of each factor in this treatment."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """What the participant answered before the chat, as far as the room depends on it. Never in a prompt."""
    sides: Mapping[str, str] = field(default_factory=dict)
    """Who was drawn to `agree` and to `disagree` with the participant's answer, and who is `neutral`."""
    stances: Mapping[str, str] = field(default_factory=dict)
    """What each agent that takes a side is told to think."""
    freeze: str = ""
    """The hash of the frozen study that it is held under; empty where it is not frozen."""
    rehearsal: str = ""
    """The kind of stand-in that took the participant's place in a rehearsal; empty for people."""


@record
class SessionSuspended:
    """The server was shut down in an orderly way; the session goes on at its next start."""


@record
class SessionResumed:
    """The session goes on after an outage of `gap` seconds; the participant has until `absent_at` to be back."""

    gap: float
    absent_at: float


@record
class ParticipantConnected:
    protocol: Literal[1, 2]


@record
class ParticipantDisconnected:
    """The socket closed after frames up to number `sent`; the session ends if nobody is back by `absent_at`."""

    sent: int
    absent_at: float


@record
class TurnScheduled:
    """The room's clock: background message `number` is due at `due`; who writes it is chosen at `plan_at`."""

    number: int
    plan_at: float
    due: float
    gap: float = 0.0
    """Seconds between the message before and this one; 0 where lengths are not drawn."""


@record
class TurnPlanned:
    """An agent means to post: it reads at `read_at`, types from `typing_at` and posts at `due`."""

    turn_id: str
    agent_name: str
    kind: Literal["background", "answer"]
    read_at: float
    typing_at: float
    due: float
    answers: tuple[str, ...] = ()
    """Ids of the participant's messages that it answers."""
    words: int = 0
    """How many words it is drawn to have; 0: not drawn, as the rest is then."""
    speech: str = ""
    to: str | None = None
    """Id of the message of another agent that it takes up; None: it begins something new."""
    quote: bool = False
    """Whether it quotes the message that it takes up or answers."""
    emoji: bool | None = None
    """Whether it has an emoji; None: as the model likes."""


@record
class TurnMerged:
    """A further message of the participant will be answered by an answer already under way."""

    turn_id: str
    message_id: str


@record
class TurnDropped:
    """A message that was planned and will not be posted."""

    turn_id: str
    agent_name: str | None
    """None when nobody had been chosen for it yet."""
    kind: Literal["background", "answer"]
    reason: str


@record
class TurnFilled:
    """No call brought a message for a turn, for this `reason`; a reviewed line of the study stands in."""

    turn_id: str
    agent_name: str
    text: str
    reason: str


@record
class CallRequested:
    """An agent's message is asked for: of which model, with which prompt and parameters."""

    call_id: str
    turn_id: str
    prompt: Prompt
    model: str
    parameters: Mapping[str, Scalar] = field(default_factory=dict)


@record
class CallAnswered:
    """The raw reply as it came, and the `text` made of it for the room; None when nothing in it can be shown."""

    call_id: str
    prompt: Prompt
    reply: Reply
    text: str | None
    rejected: str | None = None
    """Why nothing of the reply can be shown."""
    repairs: tuple[str, ...] = ()
    """What was taken from the reply so that it can be: `form`, `markdown`, `name`, `quotes`, `length`, `words`."""


@record
class CallFailed:
    """The call brought no reply; `error` is one of the kinds in `roomful.llm.LLMError`."""

    call_id: str
    prompt: Prompt
    error: str
    message: str
    latency: float
    attempts: tuple[str, ...] = ()
    reply: Reply | None = None
    """What came nonetheless, such as a reply that was blocked half-way."""


@record
class TypingStarted:
    sender: str
    turn_id: str


@record
class MessagePosted:
    """A message is in the room. `sender` is `"user"` or an agent's name.

    `receipts` says when the participant's message counts as delivered and as read by all (seconds of the
    session), `read_by` when each member reads it; `late` is how many seconds after its planned time an agent's
    message came. `reaction_at` is when somebody will react to it.
    """

    message_id: str
    sender: str
    content: str
    reply_to: str | None = None
    client_id: str | None = None
    turn_id: str | None = None
    late: float = 0.0
    receipts: Mapping[str, float] = field(default_factory=dict)
    read_by: Mapping[str, float] = field(default_factory=dict)
    reaction_at: float | None = None
    fallback: bool = False
    """Whether it is a reviewed line that stands in for a failed call. Never told to the participant."""
    probe: bool = False
    """Whether the participant asks in it, or says, that somebody here is a machine."""
    contradicts: bool = False
    """Whether an agent's message has more of the words of the opposite stance than of its own."""
    seeded: int = 0
    """1, 2, 3 … for the study's own seeded messages, in their order in the settings; never told either."""


@record
class DistressNoticed:
    """The participant's message has signs of suicidal thoughts or of self-harm; `action` is what the study does."""

    message_id: str
    action: Literal["alert", "end"]


@record
class ReceiptGiven:
    message_id: str
    status: Literal["delivered", "read"]


@record
class ReactionSet:
    """`sender` reacts to a message with `emoji`, or takes the reaction back (None)."""

    message_id: str
    sender: str
    emoji: str | None


@record
class MessageReported:
    message_id: str
    reason: str


@record
class MemberBlocked:
    member: str
    blocked: bool


@record
class ActivityRecorded:
    """What the participant's page reported: `typing`, `seen` or `visibility`, as it was sent."""

    kind: Literal["typing", "seen", "visibility"]
    details: Mapping[str, object]


@record
class ErrorRecorded:
    """Something went wrong that did not end the session; `count` faults of one kind may share an entry."""

    error_type: str
    error_message: str
    context: Mapping[str, Scalar] = field(default_factory=dict)
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What came of a target: its value over `n` messages (or agents), None where there were none.

    `met` tells whether the value is within the target's limits, `excluded` whether it is beyond a threshold at which
    the session is to be left out of the analysis; None where there is no such limit, or no value.
    """

    value: float | None
    n: int
    met: bool | None = None
    excluded: bool | None = None


@record
class SessionEnded:
    """The session is over. `tally` counts what was meant and what was delivered; `unfinished` turns were under way.

    `llm_degraded_seconds` is for how long the last finished call was a failure, or one was overdue. `targets` has the
    value of each target that the session's treatment declares.
    """

    reason: str
    tally: Mapping[str, int] = field(default_factory=dict)
    llm_degraded_seconds: float = 0.0
    due: float | None = None
    """When it should have ended (seconds of the session), where nobody was there at that time to end it."""
    targets: Mapping[str, Measured] = field(default_factory=dict)


@record
class Erased:
    """What happened here was taken out of the log afterwards, as when a participant withdraws; its place is kept."""

    event_type: str


type Event = (
    SessionStarted
    | SessionSuspended
    | SessionResumed
    | ParticipantConnected
    | ParticipantDisconnected
    | TurnScheduled
    | TurnPlanned
    | TurnMerged
    | TurnDropped
    | TurnFilled
    | CallRequested
    | CallAnswered
    | CallFailed
    | TypingStarted
    | MessagePosted
    | DistressNoticed
    | ReceiptGiven
    | ReactionSet
    | MessageReported
    | MemberBlocked
    | ActivityRecorded
    | ErrorRecorded
    | SessionEnded
    | Erased
)

SHOWN = (MessagePosted, ReceiptGiven, ReactionSet, SessionEnded)
"""Events that are part of what the participant may see: they alone count in the numbers a client gets."""


@value
class Entry:
    """One line of a session's log.

    `seq` counts 1, 2, 3 … within the session without gaps; `at` is in seconds since the session started, in
    whole microseconds; `shown` counts the entries that the participant may see, None for the others. The
    first entry of a batch keeps the `input` that led to it, so that the session can be run again.
    """

    seq: int
    at: float
    event: Event
    shown: int | None = None
    input: Input | None = None
