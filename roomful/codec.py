"""Entries as JSON: one line of `logs/{session_id}.json` each, in a salted hash chain. Old lines are read for ever.

A line is an object of `timestamp`, `event_type`, `seq`, `at`, `session_id`, `shown` (where the participant may see
it), `input` (on the first entry of a batch), `salt`, `hash` and, always last, `data`. It is ASCII: everything else
is escaped, so NUL and lone surrogates survive every file and database.

    digest = SHA-256(salt + data as it stands in the line)
    hash   = SHA-256(hash of the line before + the line's head + digest)

where the head is the line up to the comma before `"salt"`, digests and hashes are in lower-case hex, and the
first line's predecessor is 64 zeros. The data of a line can be taken away, salt included, and the chain still be
checked by the digest that is kept in their place: such a tombstone has `digest` where `salt` was, and its `data` is
null.
"""

import json
import typing
from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache, reduce
from hashlib import sha256
from operator import attrgetter, or_

import msgspec

from roomful.core import events, inputs
from roomful.core.decide import WITHDREW
from roomful.core.events import Entry, Event, Prompt
from roomful.core.inputs import Input
from roomful.core.study import LLMSettings, SimulationSettings

GENESIS = "0" * 64
"""What the first line's hash builds on."""

EVENT_TYPES: Mapping[type[Event], str] = {
    events.SessionStarted: "session_start",
    events.SessionSuspended: "session_suspended",
    events.SessionResumed: "session_resumed",
    events.ParticipantConnected: "participant_connected",
    events.ParticipantDisconnected: "participant_disconnected",
    events.TurnScheduled: "turn_scheduled",
    events.TurnPlanned: "turn_planned",
    events.TurnMerged: "turn_merged",
    events.TurnDropped: "turn_dropped",
    events.TurnFilled: "turn_filled",
    events.CallRequested: "llm_request",
    events.CallAnswered: "llm_call",
    events.CallFailed: "llm_call",
    events.TypingStarted: "typing",
    events.MessagePosted: "message",
    events.DistressNoticed: "distress",
    events.ReceiptGiven: "receipt",
    events.ReactionSet: "reaction",
    events.MessageReported: "report",
    events.MemberBlocked: "block",
    events.ActivityRecorded: "activity",
    events.ErrorRecorded: "error",
    events.SessionEnded: "session_end",
}

_CLASSES = {name: kind for kind, name in EVENT_TYPES.items() if kind is not events.CallFailed}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_quoted = json.encoder.encode_basestring_ascii
_FAULTS = (msgspec.MsgspecError, ValueError, KeyError, RecursionError)
"""What reading raises for a line that is none."""


class CodecError(ValueError):
    """A line that is not an entry of a log."""


class Encoded(typing.NamedTuple):
    """A line without its newline, and the chain's value after it."""

    text: str
    hash: str


def timestamp(started: int, at: float) -> str:
    """ISO 8601 in UTC with microseconds: `at` seconds after `started` (microseconds since the epoch)."""
    minute, micros = divmod(started + round(at * 1e6), 60_000_000)
    return f"{_minute(minute)}:{micros // 1_000_000:02d}.{micros % 1_000_000:06d}Z"


@lru_cache(1024)
def _minute(minute: int) -> str:
    # the sessions of a process write within the same few minutes, and a rehearsed one through its own
    return (_EPOCH + timedelta(minutes=minute)).isoformat(timespec="minutes").removesuffix("+00:00")


def parse_timestamp(text: str) -> int:
    """Microseconds since the epoch."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def encode(entry: Entry, session_id: str, started: int, previous: str, salt: str) -> Encoded:
    """Return the entry's line, chained to the hash of the line before. `started` is when `at` was 0."""
    seq, at, event, shown, input = entry.seq, entry.at, entry.event, entry.shown, entry.input
    kind = EVENT_TYPES.get(type(event))
    if kind is None:
        raise TypeError(f"entry {seq} is erased: only its line can tell its place in the chain")
    time = timestamp(started, at)
    seen = "" if shown is None else f',"shown":{shown}'
    cause = "" if input is None else f',"input":"{input_name(input)}"'
    # none of these holds a character that JSON would escape
    head = (
        f'{{"timestamp":"{time}","event_type":"{kind}","seq":{seq},"at":{at!r},"session_id":"{session_id}"{seen}{cause}'
    )
    return sealed(head, salt, _event_json(event, session_id, time), previous)


def sealed(head: str, salt: str, data: str, previous: str) -> Encoded:
    """Return the line of this head and this data, chained to the hash of the line before."""
    link = chain(previous, head, digest(salt, data))
    return Encoded(f'{head},"salt":"{salt}","hash":"{link}","data":{data}}}', link)


def digest(salt: str, data: str) -> str:
    """The fingerprint that stands for a line's data in the chain."""
    return sha256(f"{salt}{data}".encode("utf-8", "surrogatepass")).hexdigest()


def chain(previous: str, head: str, data_digest: str) -> str:
    """The hash after a line with this head and this digest of its data."""
    return sha256(f"{previous}{head}{data_digest}".encode("utf-8", "surrogatepass")).hexdigest()


def tombstone(text: str) -> str:
    """Return the line without its data and salt, its digest in their place; a tombstone as it is. Or CodecError."""
    head, key, rest = _parted(text)
    if key == "digest":
        return text
    salt, _, rest = rest.partition('","hash":"')
    link, found, data = rest.partition('","data":')
    if not found or data[-1:] != "}":
        raise CodecError(f"not an entry of a log: {text[:200]!r}")
    return f'{head},"digest":"{digest(salt, data[:-1])}","hash":"{link}","data":null}}'


def _parted(text: str) -> tuple[str, str, str]:
    """The line's head, the key behind it (`salt` or `digest`), and the rest from that key's value on."""
    for key in ("salt", "digest"):
        # a head has no strings from outside, so the first of these is the key
        head, found, rest = text.partition(f',"{key}":"')
        if found and ',"data":' not in head:
            return head, key, rest
    raise CodecError(f"not an entry of a log: {text[:200]!r}")


def decode(text: str, *, folding: bool = False) -> Entry:
    """Return the entry of a line. Raises CodecError; keys that are not known are passed over.

    `folding` leaves out what a fold does not look at, in less time: inputs, prompts, and the words of replies.
    """
    try:
        return _entry((_SHORT if folding else _WHOLE).decode(text), folding=folding)
    except (msgspec.DecodeError, RecursionError):
        # a tombstone, halves of surrogate pairs, or no entry at all: what is wrong with a line is for json to say
        return _loaded(text)


def _loaded(text: str) -> Entry:
    try:
        whole = json.loads(text)
        head = msgspec.convert(whole, _Head)
        if head.digest is not None:
            msgspec.convert(whole["data"], None)
            # what came in is told by what came of it, and gone with that
            return Entry(head.seq, head.at, events.Erased(event_type=head.event_type), head.shown)
        if head.event_type not in _CLASSES:
            raise CodecError(f"unknown event_type {head.event_type!r}")
        return _entry(msgspec.convert(whole, _WHOLE.type), folding=False)
    except _FAULTS as fault:
        raise CodecError(f"not an entry of a log: {fault} in {text[:200]!r}") from fault


class _Head(msgspec.Struct):
    """What a tombstone tells."""

    event_type: str
    seq: int
    at: float
    shown: int | None = None
    digest: str | None = None


class _Asked(msgspec.Struct, kw_only=True):
    """The data of a request: a prompt spread out, and what stands beside it."""

    call_id: str
    prompt: str
    agent_name: str
    system: str
    answering: str | None = None
    due_in: float = 0.0
    seed: int = 0
    number: int = 0
    words: int = 0
    speech: str = ""

    def asked(self) -> Prompt:
        """The prompt as it was."""
        return Prompt(
            agent_name=self.agent_name,
            system=self.system,
            text=self.prompt,
            answering=self.answering,
            due_in=self.due_in,
            seed=self.seed,
            number=self.number,
            words=self.words,
            speech=self.speech,
        )


class _Requested(_Asked, kw_only=True):
    turn_id: str
    model: str
    parameters: dict[str, events.Scalar] = msgspec.field(default_factory=dict)

    def event(self) -> events.CallRequested:
        """The request as it was made."""
        return events.CallRequested(
            call_id=self.call_id,
            turn_id=self.turn_id,
            prompt=self.asked(),
            model=self.model,
            parameters=self.parameters,
        )


class _Called(_Asked, kw_only=True):
    """The data of a call that came back, with a reply or without."""

    error: str | None
    response: str | None
    error_message: str = ""
    reply: inputs.Reply | None = None
    latency: float = 0.0
    attempts: tuple[str, ...] = ()
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    thinking_tokens: int = 0
    finish_reason: str = ""
    provider: str = ""
    fallback: int = 0
    text: str | None = None
    rejected: str | None = None
    repairs: tuple[str, ...] = ()

    def event(self) -> events.CallAnswered | events.CallFailed:
        """What came of the call. Raises CodecError where it has neither a reply nor an error."""
        if self.error is not None:
            return events.CallFailed(
                call_id=self.call_id,
                prompt=self.asked(),
                error=self.error,
                message=self.error_message,
                latency=self.latency,
                attempts=self.attempts,
                reply=self.reply,
            )
        if self.response is None:
            raise CodecError("a call has neither a response nor an error")
        reply = inputs.Reply(
            text=self.response,
            model=self.model,
            latency=self.latency,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            thinking_tokens=self.thinking_tokens,
            finish_reason=self.finish_reason,
            attempts=self.attempts,
            provider=self.provider,
            fallback=self.fallback,
        )
        return events.CallAnswered(
            call_id=self.call_id,
            prompt=self.asked(),
            reply=reply,
            text=self.text,
            rejected=self.rejected,
            repairs=self.repairs,
        )


_NO_PROMPT = Prompt(agent_name="", system="", text="")


class _ShortlyRequested(msgspec.Struct):
    """What a fold looks at of a request; the rest of a line is passed over, which takes a third of the time."""

    call_id: str
    turn_id: str
    model: str

    def event(self) -> events.CallRequested:
        """The request, without its prompt."""
        return events.CallRequested(call_id=self.call_id, turn_id=self.turn_id, prompt=_NO_PROMPT, model=self.model)


@lru_cache(256)
def _no_prompt(agent_name: str) -> Prompt:
    return replace(_NO_PROMPT, agent_name=agent_name)


class _ShortlyCalled(msgspec.Struct):
    """The same of a call that came back."""

    call_id: str
    error: str | None
    agent_name: str = ""
    """Whose model it was: it has its own prices."""
    fallback: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    thinking_tokens: int = 0
    text: str | None = None
    reply: inputs.Reply | None = None
    latency: float = 0.0

    def event(self) -> events.CallAnswered | events.CallFailed:
        """What came of the call, without its prompt and the words of the reply."""
        if self.error is not None:
            return events.CallFailed(
                call_id=self.call_id,
                prompt=_no_prompt(self.agent_name),
                error=self.error,
                message="",
                latency=self.latency,
                reply=self.reply,
            )
        reply = inputs.Reply(
            text="",
            model="",
            latency=self.latency,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            thinking_tokens=self.thinking_tokens,
            fallback=self.fallback,
        )
        prompt = _no_prompt(self.agent_name)
        return events.CallAnswered(call_id=self.call_id, prompt=prompt, reply=reply, text=self.text)


class _Line(msgspec.Struct, kw_only=True, gc=False):
    """A line that is no tombstone. There is one kind for every type of event, told by `event_type`."""

    seq: int
    at: float
    data: typing.Any
    shown: int | None = None
    input: str | msgspec.UnsetType = msgspec.UNSET
    digest: None = None

    def event(self) -> Event:
        event: Event = self.data
        return event


class _AskedLine(_Line, kw_only=True, gc=False):
    """A request or a call: its data are laid out in another way than the event is."""

    data: _Requested | _Called | _ShortlyRequested | _ShortlyCalled

    def event(self) -> Event:
        return self.data.event()


def _lines(requested: type, called: type) -> msgspec.json.Decoder[_Line]:
    """What reads a line in one pass, its data with it."""
    laid_out: dict[str, type] = {"llm_request": requested, "llm_call": called}
    kinds = [
        msgspec.defstruct(
            name,
            [("data", laid_out.get(name, kind))],
            bases=(_AskedLine if name in laid_out else _Line,),
            tag_field="event_type",
            tag=name,
            kw_only=True,
            gc=False,
        )
        for name, kind in _CLASSES.items()
    ]
    return msgspec.json.Decoder(reduce(or_, kinds))


_WHOLE, _SHORT = _lines(_Requested, _Called), _lines(_ShortlyRequested, _ShortlyCalled)


def _entry(line: _Line, *, folding: bool) -> Entry:
    event = line.event()
    if folding or line.input is msgspec.UNSET:
        return Entry(line.seq, line.at, event, line.shown)
    return Entry(line.seq, line.at, event, line.shown, _input(line.input, event))


def _event_json(event: Event, session_id: str, time: str) -> str:
    # what is frequent is put together by hand, in half the time
    match event:
        case events.TypingStarted():
            return f'{{"sender":{_quoted(event.sender)},"turn_id":{_quoted(event.turn_id)}}}'
        case events.CallRequested():
            asked = f'{{"call_id":{_quoted(event.call_id)},"turn_id":{_quoted(event.turn_id)},{_asked(event.prompt)}'
            return f'{asked},"model":{_quoted(event.model)},"parameters":{_written(event.parameters)}}}'
        case events.CallAnswered():
            return _answered(event)
        case events.MessagePosted():
            posted = f'{{"sender":{_quoted(event.sender)},"content":{_quoted(event.content)},"timestamp":"{time}"'
            return f"{posted},{_written(_unusual(event))[1:]}"
        case events.TurnScheduled() | events.TurnPlanned():
            return _written(_sparse(vars(event), type(event), _LATER))
        case events.ReceiptGiven():
            return f'{{"message_id":{_quoted(event.message_id)},"status":"{event.status}"}}'
        case events.CallFailed():
            return _failed(event)
        case events.SessionEnded():
            hidden = (*(("due",) if event.due is None else ()), *(() if event.targets else ("targets",)))
            return f'{{"session_id":"{session_id}",{_members(event, hidden)}}}'
        case events.SessionStarted():
            return _written(_started(event))
        case events.ActivityRecorded() | events.ErrorRecorded():
            # numbers from outside: one without an end is a fault, where msgspec would write null
            return json.dumps(msgspec.to_builtins(_plain(event)), separators=(",", ":"), allow_nan=False)
        case _:
            return _written(_plain(event))


# a prompt is written when it is asked and when it is answered, and its quotation marks take long to escape
@lru_cache(512)
def _asked(prompt: Prompt) -> str:
    """A prompt spread out, without braces: `prompt` is the text, and its other parts stand beside it."""
    text = _written(prompt.text) if prompt.text.isascii() else _quoted(prompt.text)
    return f'"prompt":{text},{_prompt_members(prompt)}'


def _prompt_members(prompt: Prompt) -> str:
    drawn = f',"words":{prompt.words},"speech":{_quoted(prompt.speech)}' if prompt.words else ""
    return (
        f'"agent_name":{_quoted(prompt.agent_name)},"system":{_system(prompt.system)},'
        f'"answering":{_or_null(prompt.answering)},"due_in":{_written(prompt.due_in)},'
        f'"seed":{prompt.seed},"number":{prompt.number}{drawn}'
    )


_LATER = frozenset(("gap", "words", "speech", "to", "quote", "emoji"))
"""What stands in the data of a turn only where lengths are drawn."""

# an agent is told the same at each of its calls
_system = lru_cache(512)(_quoted)


def _answered(event: events.CallAnswered) -> str:
    reply = event.reply
    told = _sparse(vars(reply), inputs.Reply, ("provider", "fallback"))
    del told["text"]
    repairs = f',"repairs":{_written(event.repairs)}' if event.repairs else ""
    return (
        f'{{"call_id":{_quoted(event.call_id)},{_asked(event.prompt)},"response":{_quoted(reply.text)},"error":null,'
        f'"text":{_or_null(event.text)},{_written(told)[1:-1]},"rejected":{_or_null(event.rejected)}{repairs}}}'
    )


def _failed(event: events.CallFailed) -> str:
    reply = None if event.reply is None else _sparse(vars(event.reply), inputs.Reply, ("provider", "fallback"))
    return (
        f'{{"call_id":{_quoted(event.call_id)},"prompt":{_quoted(event.prompt.text)},'
        f"{_members(event, ('call_id', 'prompt', 'message', 'reply'))},"
        f'"reply":{_written(reply)},"error_message":{_quoted(event.message)},{_prompt_members(event.prompt)},'
        f'"response":{_or_null(event.reply.text if event.reply else None)}}}'
    )


def _or_null(text: str | None) -> str:
    return "null" if text is None else _quoted(text)


def _unusual(event: events.MessagePosted) -> dict[str, object]:
    """What a message has beside its sender and content, where that is not as by default."""
    defaults = _defaults(events.MessagePosted)
    values = vars(event).items()
    return {name: value for name, value in values if value != defaults[name] and name not in ("sender", "content")}


def _sparse(values: Mapping[str, object], kind: type[object], later: Container[str]) -> dict[str, object]:
    """The fields of a dataclass of this kind without those of these that are as by default."""
    defaults = _defaults(typing.cast(Hashable, kind))
    return {name: value for name, value in values.items() if name not in later or value != defaults[name]}


def _started(event: events.SessionStarted) -> dict[str, object]:
    """A start without what a study without treatments, cards and seeded messages has nothing of."""
    plain = _plain(event)
    plain["experimental_config"] = _plain(event.experimental_config)
    plain["simulation_config"] = _sparse(_plain(event.simulation_config), SimulationSettings, ("timing", "speech"))
    for whole, later in (
        (plain, ("levels", "answers", "sides", "stances", "freeze", "rehearsal")),
        (plain["experimental_config"], ("agents", "stances", "seeded_messages", "targets", "licences")),
    ):
        for name in later:
            if not whole[name]:
                del whole[name]
    plain["simulation_config"]["llm"] = _llm(event.simulation_config.llm)
    return plain


def _llm(llm: LLMSettings) -> dict[str, object]:
    """The settings of the model without what a study of one model has nothing of, in the order of the first logs."""
    plain = _sparse(_plain(llm), LLMSettings, ("base_url", "model_path", "fallbacks", "agents"))
    for name in (item.name for item in fields(llm) if "price" in item.name or item.name in _AFTER_PRICES):
        plain[name] = plain.pop(name)
    return plain


_AFTER_PRICES = ("when_unavailable", "unavailable_seconds", "fallback_lines")


def _members(value: object, without: Sequence[str] = ()) -> str:
    """The fields of a dataclass as members of a JSON object, without braces."""
    return _written(_plain(value, without))[1:-1]


def _plain(value: object, without: Sequence[str] = ()) -> dict[str, typing.Any]:
    names, get = _fields(typing.cast(Hashable, type(value)), without)
    return dict(zip(names, get(value), strict=True))


_TO_JSON = msgspec.json.Encoder().encode


def _written(value: object) -> str:
    """Anything that an event may hold as JSON in ASCII; a dataclass is an object."""
    try:
        written = _TO_JSON(value)
    except UnicodeEncodeError:
        # halves of surrogate pairs it does not write
        return json.dumps(msgspec.to_builtins(value), separators=(",", ":"))
    if written.isascii() and b"\x7f" not in written:
        return written.decode("ascii")
    return json.dumps(json.loads(written), separators=(",", ":"))


@cache
def _fields(
    kind: Hashable, without: Sequence[str] = ()
) -> tuple[tuple[str, ...], Callable[[object], tuple[object, ...]]]:
    """The names of a dataclass's fields, and what gets all their values at once."""
    names = tuple(item.name for item in fields(typing.cast(type[Prompt], kind)) if item.name not in without)
    # attrgetter gives a tuple only where there are several names
    get = attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)
    return names, get


@cache
def _defaults(kind: Hashable) -> Mapping[str, object]:
    items = fields(typing.cast(type[Prompt], kind))
    return {item.name: item.default if item.default_factory is MISSING else item.default_factory() for item in items}


def input_name(input: Input) -> str:
    """The name of an input in a log: its kind, and of an alarm which one."""
    return f"rang:{input.alarm}" if isinstance(input, inputs.Rang) else type(input).__name__.lower()


def _input(name: str, event: Event) -> Input:
    """The input that led to a batch: its name, and what the first event of the batch took over from it."""
    kind, _, alarm = name.partition(":")
    if kind == "rang":
        # three of four are alarms
        return inputs.Rang(alarm=alarm)
    match kind, event:
        case "answered", events.CallAnswered():
            return inputs.Answered(call_id=event.call_id, reply=event.reply)
        case "start", events.SessionStarted():
            return inputs.Start(
                session_id=event.session_id,
                seed=event.seed,
                experimental=event.experimental_config,
                simulation=event.simulation_config,
                participant_name=event.participant_name,
                model=event.model,
                versions=event.versions,
                treatment=event.treatment,
                levels=event.levels,
                answers=event.answers,
                freeze=event.freeze,
                rehearsal=event.rehearsal,
            )
        case "suspend", _:
            return inputs.Suspend()
        case "resume", events.SessionResumed():
            return inputs.Resume(gap=event.gap)
        case "connect", events.ParticipantConnected():
            return inputs.Connect(protocol=event.protocol)
        case "disconnect", events.ParticipantDisconnected():
            return inputs.Disconnect(sent=event.sent)
        case "say", events.MessagePosted():
            return inputs.Say(content=event.content, client_id=event.client_id, reply_to=event.reply_to)
        case "react", events.ReactionSet():
            return inputs.React(message_id=event.message_id, emoji=event.emoji)
        case "report", events.MessageReported():
            return inputs.Report(message_id=event.message_id, reason=event.reason)
        case "block", events.MemberBlocked():
            return inputs.Block(member=event.member, blocked=event.blocked)
        case "observe", events.ActivityRecorded():
            return inputs.Observe(kind=event.kind, details=event.details)
        case "complain", events.ErrorRecorded():
            return inputs.Complain(
                error_type=event.error_type,
                error_message=event.error_message,
                context=event.context,
                count=event.count,
            )
        case "failed", events.CallFailed():
            return inputs.Failed(
                call_id=event.call_id,
                error=event.error,
                message=event.message,
                latency=event.latency,
                attempts=event.attempts,
                reply=event.reply,
            )
        case "leave", events.SessionEnded():
            return inputs.Leave(delete=event.reason == WITHDREW)
        case "end", events.SessionEnded():
            return inputs.End(reason=event.reason)
        case _:
            raise CodecError(f"unknown input {name!r} before {type(event).__name__}")
