"""What is kept of a rehearsed session once it is over: numbers, and of a few sessions what a participant would see."""

import math
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from roomful.core.events import (
    USER,
    CallAnswered,
    CallFailed,
    CallRequested,
    Entry,
    Measured,
    MessagePosted,
    ReactionSet,
    SessionEnded,
    TurnDropped,
    TurnMerged,
    TurnPlanned,
)
from roomful.core.inputs import Reply
from roomful.core.study import Treatment
from roomful.rehearsal.prices import Prices

LATE = 1.0
"""Seconds after its planned time from which a message counts as late."""

_PLACEHOLDER = re.compile(r"\{[A-Za-z_]\w*\}")
"""What looks as if a name should have been put there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """A message as its participant sees it. `at` is in seconds; `quoted` is the sender and the text it replies to."""

    sender: str
    own: bool
    content: str
    at: float
    quoted: tuple[str, str] | None = None
    reactions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """When messages came in a session, in seconds: those of agents and the participant's own."""

    number: int
    treatment: str
    kind: str
    reason: str
    seconds: float
    agents: tuple[float, ...]
    own: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A session as its participant would have seen it."""

    number: int
    session_id: str
    treatment: str
    kind: str
    reason: str
    outcome: str
    bubbles: tuple[Bubble, ...]


@dataclass(kw_only=True)
class Heard:
    """One session, while it is summed up. Times in seconds, money in the prices' currency."""

    number: int
    session_id: str
    treatment: str
    kind: str
    reason: str = ""
    outcome: str = ""
    seconds: float = 0.0
    posted: int = 0
    """Background messages."""
    late: int = 0
    said: int = 0
    answered: int = 0
    """Messages of the participant that an agent answered."""
    undue: int = 0
    """Those whose answer was under way at the end."""
    words: int = 0
    spoken: Counter[str] = field(default_factory=Counter)
    """Messages by agent, answers included."""
    calls: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    stood_in: Counter[str] = field(default_factory=Counter)
    """Replies by the fallback that gave them."""
    latencies: list[float] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    unresolved: set[str] = field(default_factory=set)
    targets: Mapping[str, Measured] = field(default_factory=dict)
    cut: bool = False
    """Whether the rehearsal itself broke it off."""
    crash: str = ""


def summed_up(heard: Heard, entries: Iterable[Entry], prices: Prices | None) -> Heard:
    """Take up what a session's entries tell."""
    to_answer: dict[str, set[str]] = {}
    for entry in entries:
        heard.seconds = entry.at
        match entry.event:
            case MessagePosted():
                _posted(heard, entry.event, to_answer)
            case CallRequested():
                heard.calls += 1
                if "{" in entry.event.prompt.system:
                    heard.unresolved.update(_PLACEHOLDER.findall(entry.event.prompt.system))
            case CallAnswered():
                _answered(heard, entry.event, prices)
            case CallFailed():
                heard.failed[entry.event.error] += 1
                if entry.event.reply:
                    _paid(heard, entry.event.prompt.agent_name, entry.event.reply, prices)
            case TurnPlanned(kind="answer"):
                to_answer[entry.event.turn_id] = set(entry.event.answers)
            case TurnMerged():
                to_answer.setdefault(entry.event.turn_id, set()).add(entry.event.message_id)
            case TurnDropped():
                to_answer.pop(entry.event.turn_id, None)
            case SessionEnded():
                heard.reason = entry.event.reason
                heard.targets = entry.event.targets
            case _:
                pass
    heard.undue = sum(map(len, to_answer.values()))
    return heard


def _posted(heard: Heard, event: MessagePosted, to_answer: dict[str, set[str]]) -> None:
    if event.sender == USER:
        heard.said += 1
        return
    heard.spoken[event.sender] += 1
    heard.words += len(event.content.split())
    if event.turn_id and event.turn_id.startswith("b"):
        heard.posted += 1
    heard.answered += len(to_answer.pop(event.turn_id or "", ()))
    heard.late += event.late > LATE


def _answered(heard: Heard, event: CallAnswered, prices: Prices | None) -> None:
    _paid(heard, event.prompt.agent_name, event.reply, prices)
    heard.latencies.append(event.reply.latency)
    if event.reply.fallback:
        heard.stood_in[event.reply.model] += 1
    if event.rejected:
        heard.rejected[event.rejected] += 1


def _paid(heard: Heard, agent: str, reply: Reply, prices: Prices | None) -> None:
    heard.input_tokens += reply.input_tokens
    heard.output_tokens += reply.output_tokens + reply.thinking_tokens
    heard.cost += prices.of(agent, reply) if prices else 0.0


class Histogram:
    """How often each size of a number came, in steps of a twentieth: a million numbers in little memory."""

    _STEP = math.log(1.05)
    _LEAST = 0.001

    def __init__(self) -> None:
        self.bins: Counter[int] = Counter()

    def add(self, value: float) -> None:
        """Count a number of at least 0."""
        self.bins[round(math.log(max(value, self._LEAST) / self._LEAST) / self._STEP)] += 1

    def update(self, other: "Histogram") -> None:
        """Count all that another has counted."""
        self.bins.update(other.bins)

    @property
    def count(self) -> int:
        """How many numbers there were."""
        return self.bins.total()

    def quantile(self, q: float) -> float:
        """The number below which a share `q` of them is, to a fortieth; 0 of none."""
        wanted, passed = q * self.count, 0
        for index in sorted(self.bins):
            passed += self.bins[index]
            if passed >= wanted:
                return self.value(index)
        return 0.0

    def value(self, index: int) -> float:
        """The middle of a bin; the first stands for 0."""
        return self._LEAST * math.exp(index * self._STEP) if index else 0.0


def _numbers() -> "array[float]":
    return array("d")


@dataclass(kw_only=True)
class Cell:
    """All sessions of one treatment; the arrays have a number for each session, in order."""

    treatment: Treatment
    share: float
    """What the weights give it."""
    reasons: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    minutes: "array[float]" = field(default_factory=_numbers)
    posted: "array[float]" = field(default_factory=_numbers)
    messages: "array[float]" = field(default_factory=_numbers)
    """Of agents: background and answers and seeded ones."""
    said: "array[float]" = field(default_factory=_numbers)
    answerable: "array[float]" = field(default_factory=_numbers)
    answered: "array[float]" = field(default_factory=_numbers)
    costs: "array[float]" = field(default_factory=_numbers)
    """Of sessions that were not broken off, as the tokens are."""
    input_tokens: "array[float]" = field(default_factory=_numbers)
    output_tokens: "array[float]" = field(default_factory=_numbers)
    words: int = 0
    late: int = 0
    calls: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    stood_in: Counter[str] = field(default_factory=Counter)
    spoken: Counter[str] = field(default_factory=Counter)
    latency: Histogram = field(default_factory=Histogram)
    unresolved: set[str] = field(default_factory=set)
    targets: dict[str, list[Measured]] = field(default_factory=dict)
    """What came of each target in the sessions that were not broken off."""
    crashes: list[str] = field(default_factory=list)
    cut: int = 0

    @property
    def name(self) -> str:
        """What the report calls it."""
        return self.treatment.name or "the one treatment"

    @property
    def sessions(self) -> int:
        """How many chats there were."""
        return len(self.minutes)

    def add(self, heard: Heard) -> None:
        """Take up a session that is over."""
        self.reasons[heard.reason] += 1
        self.outcomes[heard.outcome] += 1
        self.kinds[heard.kind] += 1
        self.minutes.append(heard.seconds / 60)
        self.posted.append(heard.posted)
        self.messages.append(heard.spoken.total())
        self.said.append(heard.said)
        self.answerable.append(heard.said - heard.undue)
        self.answered.append(heard.answered)
        if heard.cut:
            self.cut += 1
        else:
            self.costs.append(heard.cost)
            self.input_tokens.append(heard.input_tokens)
            self.output_tokens.append(heard.output_tokens)
            for name, measured in heard.targets.items():
                self.targets.setdefault(name, []).append(measured)
        self._count(heard)

    def _count(self, heard: Heard) -> None:
        self.words += heard.words
        self.late += heard.late
        self.calls += heard.calls
        self.failed += heard.failed
        self.rejected += heard.rejected
        self.stood_in += heard.stood_in
        self.spoken += heard.spoken
        for latency in heard.latencies:
            self.latency.add(latency)
        self.unresolved |= heard.unresolved
        if heard.crash:
            self.crashes.append(heard.crash)


def bubbles(entries: Iterable[Entry]) -> tuple[Bubble, ...]:
    """The messages of a session as its participant sees them, each with the last reaction of everybody."""
    posted: dict[str, tuple[MessagePosted, float]] = {}
    reactions: dict[str, dict[str, str]] = {}
    for entry in entries:
        if isinstance(entry.event, MessagePosted):
            posted[entry.event.message_id] = (entry.event, entry.at)
        elif isinstance(entry.event, ReactionSet):
            given = reactions.setdefault(entry.event.message_id, {})
            given.pop(entry.event.sender, None)
            if entry.event.emoji:
                given[entry.event.sender] = entry.event.emoji
    return tuple(
        Bubble(
            sender=event.sender,
            own=event.sender == USER,
            content=event.content,
            at=at,
            quoted=_quoted(posted, event),
            reactions=tuple(reactions.get(message_id, {}).values()),
        )
        for message_id, (event, at) in posted.items()
    )


def _quoted(posted: Mapping[str, tuple[MessagePosted, float]], event: MessagePosted) -> tuple[str, str] | None:
    if event.reply_to is None or event.reply_to not in posted:
        return None
    quoted = posted[event.reply_to][0]
    return ("You" if quoted.sender == USER else quoted.sender), quoted.content


def line_of(heard: Heard, entries: Iterable[Entry]) -> Line:
    """When the messages of a session came."""
    said = [(entry.event.sender, entry.at) for entry in entries if isinstance(entry.event, MessagePosted)]
    return Line(
        number=heard.number,
        treatment=heard.treatment,
        kind=heard.kind,
        reason=heard.reason,
        seconds=heard.seconds,
        agents=tuple(at for sender, at in said if sender != USER),
        own=tuple(at for sender, at in said if sender == USER),
    )


def cells_of(treatments: Sequence[Treatment], rehearsed: Sequence[Treatment]) -> dict[str, Cell]:
    """An empty cell for each treatment of the study; those that are not rehearsed have no share."""
    whole = sum(treatment.weight for treatment in rehearsed)
    weights = {treatment.name: treatment.weight for treatment in rehearsed}
    return {
        treatment.name: Cell(treatment=treatment, share=weights.get(treatment.name, 0.0) / whole)
        for treatment in treatments
    }
