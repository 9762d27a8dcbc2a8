"""What may come in: imperatives that the core decides upon."""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from roomful.core.records import record
from roomful.core.study import ExperimentalSettings, SimulationSettings


@record
class Reply:
    """What a model said, as it came. Latency in seconds, from asking to the end, all attempts included."""

    text: str
    model: str
    latency: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    thinking_tokens: int = 0
    finish_reason: str = ""
    attempts: tuple[str, ...] = ()
    """One line an attempt that failed before this reply: kind, message and seconds."""
    provider: str = ""
    """Who served the model; empty where nobody said so."""
    fallback: int = 0
    """Which of the fallbacks answered, from 1; 0: the model that was asked first."""


@record
class Start:
    """The participant comes in for the first time; what is given here is what the whole session runs by."""

    session_id: str
    seed: int
    experimental: ExperimentalSettings
    simulation: SimulationSettings
    participant_name: str
    model: str
    versions: Mapping[str, str] = field(default_factory=dict)
    treatment: str | None = None
    levels: Mapping[str, str] = field(default_factory=dict)
    """The level of each factor in this treatment."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """What the participant answered before the chat, as text, as far as the room depends on it."""
    freeze: str = ""
    """The hash of the frozen study that it is held under; empty where it is not frozen."""
    rehearsal: str = ""
    """The kind of stand-in that took the participant's place in a rehearsal; empty for people."""


@record
class Suspend:
    """The server is shutting down."""


@record
class Resume:
    """The session was opened again from its log; `gap` is how long nobody ran it, in seconds."""

    gap: float


@record
class Connect:
    protocol: Literal[1, 2]


@record
class Disconnect:
    """The socket closed; `sent` is the number of the last shown entry that was sent through it."""

    sent: int


@record
class Say:
    content: str
    client_id: str | None = None
    reply_to: str | None = None


@record
class React:
    message_id: str
    emoji: str | None


@record
class Report:
    message_id: str
    reason: str


@record
class Block:
    member: str
    blocked: bool = True


@record
class Observe:
    """The page reports what the participant did."""

    kind: Literal["typing", "seen", "visibility"]
    details: Mapping[str, object]


@record
class Complain:
    """The edge met a fault that belongs in the log, such as a frame that could not be read."""

    error_type: str
    error_message: str
    context: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    count: int = 1


@record
class Answered:
    call_id: str
    reply: Reply


@record
class Failed:
    """The call brought no reply; `error` is a kind of `roomful.llm.LLMError`, latency is in seconds."""

    call_id: str
    error: str
    message: str
    latency: float = 0.0
    attempts: tuple[str, ...] = ()
    reply: Reply | None = None
    """What came nonetheless, with the tokens it cost."""


@record
class Rang:
    """The alarm of this name is due."""

    alarm: str


@record
class Leave:
    """The participant withdraws; with `delete` what they have written is to be deleted."""

    delete: bool = False


@record
class End:
    """Somebody other than the participant ends the session."""

    reason: str


type Input = (
    Start
    | Suspend
    | Resume
    | Connect
    | Disconnect
    | Say
    | React
    | Report
    | Block
    | Observe
    | Complain
    | Answered
    | Failed
    | Rang
    | Leave
    | End
)
