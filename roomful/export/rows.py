"""The rows of an export's tables, made of what the store has: a participation, or the lines of one session."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from roomful.codec import decode, parse_timestamp
from roomful.core.enrolment import ChecksMissed, ConsentAnswered, PageAnswered, StudyEntry, TreatmentAssigned
from roomful.core.events import (
    USER,
    CallAnswered,
    CallFailed,
    CallRequested,
    DistressNoticed,
    Entry,
    Erased,
    MessagePosted,
    SessionEnded,
    SessionStarted,
)
from roomful.core.roster import Participation, StudyState
from roomful.store import SessionRow

type Cell = str | int | float | bool | None
type Row = Mapping[str, Cell]

_DATA = '","data":'
_PERSONAL = {"session_start": ("session_id", "participant_name"), "session_end": ("session_id",)}
"""What anonymized data of an event leave out."""


@dataclass(frozen=True, slots=True)
class Held:
    """A session as the store has it: its row, its lines, its entries, and the participation where there is one."""

    row: SessionRow
    lines: Sequence[str]
    entries: Sequence[Entry]
    started: int
    """When its clock was 0, in microseconds since the epoch."""
    known: Participation | None

    def time(self, at: float) -> str:
        """A time of the session."""
        return moment((self.started + round(at * 1e6)) / 1e6)


def held(row: SessionRow, lines: Sequence[str], known: Participation | None) -> Held:
    """A session with its entries read. Raises CodecError."""
    entries = [decode(line) for line in lines]
    started = 0
    if lines:
        started = parse_timestamp(lines[0].split('"', 4)[3]) - round(entries[0].at * 1e6)
    return Held(row, lines, entries, started, known)


def moment(seconds: float) -> str:
    """A moment (seconds since the epoch) as it stands in a table: UTC with milliseconds, cut and not rounded."""
    whole, micros = divmod(round(seconds * 1e6), 1_000_000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{micros // 1000:03d}Z"


def _maybe(seconds: float | None) -> str | None:
    return None if seconds is None else moment(seconds)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


# --- of the study's own log


def participant(known: Participation, state: StudyState) -> Row:
    """The row of a participation."""
    admission = state.tokens.get(known.token) if known.token else None
    return {
        "session_id": known.session_id,
        "number": known.number,
        "test": known.test,
        "entry": "token" if known.token else "link" if known.link else "demo",
        "link": known.link,
        "token_label": admission.record.label if admission else None,
        "participant_id": known.participant,
        "parameters": _json(dict(known.parameters)),
        "treatment": known.treatment,
        "stratum": None if known.stratum is None else _json(known.stratum),
        "arrived_at": moment(known.arrived),
        "begun_at": _maybe(known.begun),
        "chat_ended_at": _maybe(known.ended),
        "end_reason": known.reason,
        "outcome": known.outcome,
        "outcome_at": _maybe(known.over),
        "consent": known.consent,
        "data_consent": known.data_consent,
        "released": known.released,
    }


def assignment(entry: StudyEntry, event: TreatmentAssigned, state: StudyState) -> Row:
    """The row of an allocation."""
    known = state.participations.get(event.session_id)
    return {
        "session_id": event.session_id,
        "time": moment(entry.at),
        "test": known.test if known else False,
        "treatment": event.treatment,
        "method": event.method,
        "stratum": _json(event.stratum),
        "place": event.place,
    }


def page_answers(entry: StudyEntry, event: PageAnswered) -> Iterator[Row]:
    """A row for each answer on a page."""
    for question, answer in event.answers.items():
        yield {
            "session_id": event.session_id,
            "source": "page",
            "page": event.page,
            "page_hash": event.hash,
            "time": moment(entry.at),
            "question": question,
            "answer": answer,
        }


def missed_checks(entry: StudyEntry, event: ChecksMissed) -> Iterator[Row]:
    """A row for each answer on a page that was sent with a check not passed."""
    for question in dict.fromkeys((*event.answers, *event.checks)):
        yield {
            "session_id": event.session_id,
            "page": event.page,
            "attempt": event.attempt,
            "time": moment(entry.at),
            "question": question,
            "answer": event.answers.get(question),
            "missed": question in event.checks,
        }


def consent(entry: StudyEntry, event: ConsentAnswered) -> Row:
    """The row of an answer to a consent."""
    return {
        "session_id": event.session_id,
        "page": event.page,
        "time": moment(entry.at),
        "about": event.about,
        "version": event.version,
        "page_hash": event.hash,
        "given": event.given,
    }


# --- of a session's log


def session(one: Held) -> Row:
    """The row of a session."""
    begun, ended = one.entries[0] if one.entries else None, _last(one.entries, SessionEnded)
    first = begun.event if begun and isinstance(begun.event, SessionStarted) else None
    end = ended.event if ended and isinstance(ended.event, SessionEnded) else None
    return {
        "session_id": one.row.session_id,
        "test": one.known.test if one.known else None,
        "state": "ended" if one.row.ended is not None else "live" if one.entries else "not_started",
        "end_reason": one.row.ended,
        "treatment": first.treatment if first else one.known.treatment if one.known else None,
        "created_at": moment(one.row.created),
        "started_at": one.time(begun.at) if begun else None,
        "ended_at": one.time(ended.at) if ended else None,
        "duration": ended.at if ended else None,
        "llm_degraded": end.llm_degraded_seconds if end else None,
        "head_hash": one.row.head_hash or None,
        **_settings(first),
        **_counts(one.entries),
        **_followed_up(one.entries, first),
    }


def _settings(first: SessionStarted | None) -> Row:
    return {
        "freeze": first.freeze or None if first else None,
        "rehearsal": first.rehearsal or None if first else None,
        "levels": _json(dict(first.levels)) if first else None,
        "participant_name": first.participant_name if first else None,
        "agents": _json(first.simulation_config.agent_names) if first else None,
        "sides": _json(dict(first.sides)) if first else None,
        "model": first.model if first else None,
        "seed": first.seed if first else None,
        "versions": _json(dict(first.versions)) if first else None,
    }


def _counts(entries: Sequence[Entry]) -> Row:
    events = [entry.event for entry in entries]
    senders = [event.sender for event in events if isinstance(event, MessagePosted)]
    return {
        "entries": len(events),
        "erased": sum(isinstance(event, Erased) for event in events),
        "messages_participant": senders.count(USER),
        "messages_agents": len(senders) - senders.count(USER),
        "llm_calls": sum(isinstance(event, CallRequested) for event in events),
        "llm_failures": sum(isinstance(event, CallFailed) for event in events),
    }


def _followed_up(entries: Sequence[Entry], first: SessionStarted | None) -> Row:
    """Counts of what was noticed in the words of the session."""
    posted = [entry.event for entry in entries if isinstance(entry.event, MessagePosted)]
    looked_for = first is not None and first.simulation_config.distress.action != "off"
    return {
        "probes": sum(event.probe for event in posted),
        "contradictions": sum(event.contradicts for event in posted),
        "distress": sum(isinstance(entry.event, DistressNoticed) for entry in entries) if looked_for else None,
    }


def _last(entries: Sequence[Entry], kind: type[SessionEnded]) -> Entry | None:
    return next((entry for entry in reversed(entries) if isinstance(entry.event, kind)), None)


def targets(one: Held) -> Iterator[Row]:
    """A row for each target of a session that has ended."""
    first, ended = one.entries[0].event if one.entries else None, _last(one.entries, SessionEnded)
    # of a session that was erased no row but its own is told
    if not isinstance(first, SessionStarted) or ended is None or not isinstance(ended.event, SessionEnded):
        return
    declared = first.experimental_config.targets
    for name, measured in ended.event.targets.items():
        yield {
            "session_id": one.row.session_id,
            "target": name,
            "measure": declared[name].measure if name in declared else None,
            "value": measured.value,
            "n": measured.n,
            "met": measured.met,
            "excluded": measured.excluded,
        }


def messages(one: Held) -> Iterator[Row]:
    """A row for each message."""
    number = 0
    for entry in one.entries:
        event = entry.event
        if not isinstance(event, MessagePosted):
            continue
        number += 1
        yield {
            "session_id": one.row.session_id,
            "seq": entry.seq,
            "number": number,
            "message_id": event.message_id,
            "time": one.time(entry.at),
            "elapsed": entry.at,
            "sender": event.sender,
            "by_participant": event.sender == USER,
            "content": event.content,
            "reply_to": event.reply_to,
            "turn_id": event.turn_id,
            "late": event.late,
            "fallback": event.fallback,
            "seeded": event.seeded or None,
            "probe": event.probe if event.sender == USER else None,
            "contradicts": None if event.sender == USER else event.contradicts,
        }


def llm_calls(one: Held) -> Iterator[Row]:
    """A row for each call, with what came of it."""
    answers = {
        entry.event.call_id: entry for entry in one.entries if isinstance(entry.event, CallAnswered | CallFailed)
    }
    for entry in one.entries:
        event = entry.event
        if not isinstance(event, CallRequested):
            continue
        yield {
            "session_id": one.row.session_id,
            "seq": entry.seq,
            "call_id": event.call_id,
            "turn_id": event.turn_id,
            "agent_name": event.prompt.agent_name,
            "requested_at": one.time(entry.at),
            "elapsed": entry.at,
            "model": event.model,
            "parameters": _json(dict(event.parameters)),
            "system": event.prompt.system,
            "prompt": event.prompt.text,
            "answering": event.prompt.answering,
            "due_in": event.prompt.due_in,
            **_answer(one, answers.get(event.call_id)),
        }


def _answer(one: Held, entry: Entry | None) -> Row:
    event = entry.event if entry else None
    answered = event if isinstance(event, CallAnswered) else None
    failed = event if isinstance(event, CallFailed) else None
    # a reply that was blocked half-way came all the same
    reply = answered.reply if answered else failed.reply if failed else None
    attempts = answered.reply.attempts if answered else failed.attempts if failed else None
    return {
        "answered_at": one.time(entry.at) if entry else None,
        "answered_by": reply.model if reply else None,
        "provider": (reply.provider or None) if reply else None,
        "fallback": reply.fallback if reply else None,
        "response": reply.text if reply else None,
        "text": answered.text if answered else None,
        "repairs": _json(answered.repairs) if answered else None,
        "rejected": answered.rejected if answered else None,
        "error": failed.error if failed else None,
        "error_message": failed.message if failed else None,
        "latency": answered.reply.latency if answered else failed.latency if failed else None,
        "input_tokens": reply.input_tokens if reply else None,
        "output_tokens": reply.output_tokens if reply else None,
        "thinking_tokens": reply.thinking_tokens if reply else None,
        "finish_reason": reply.finish_reason if reply else None,
        "attempts": None if attempts is None else _json(attempts),
    }


def answers(one: Held) -> Iterator[Row]:
    """A row for each answer that the session was started with and that is on no page of theirs."""
    first = one.entries[0].event if one.entries else None
    on_pages = one.known.answers if one.known else {}
    for question, answer in first.answers.items() if isinstance(first, SessionStarted) else ():
        if on_pages.get(question) != answer:
            yield {
                "session_id": one.row.session_id,
                "source": "start",
                "page": None,
                "page_hash": None,
                "time": None,
                "question": question,
                "answer": answer,
            }


def events(one: Held, *, anonymized: bool) -> Iterator[Row]:
    """A row for each entry."""
    for line, entry in zip(one.lines, one.entries, strict=True):
        head = json.loads(line.partition(_DATA)[0] + '"}')
        erased = isinstance(entry.event, Erased)
        yield {
            "session_id": one.row.session_id,
            "seq": entry.seq,
            "time": one.time(entry.at),
            "elapsed": entry.at,
            "event_type": head["event_type"],
            "shown": entry.shown,
            "input": head.get("input"),
            "erased": erased,
            "data": None if erased else _data(line, head["event_type"] if anonymized else ""),
        }


def _data(line: str, event_type: str) -> str:
    """The data as they stand in the line, without what is personal in an event of this type."""
    text = line.partition(_DATA)[2][:-1]
    if event_type not in _PERSONAL:
        return text
    kept = {name: value for name, value in json.loads(text).items() if name not in _PERSONAL[event_type]}
    return _json(kept)
