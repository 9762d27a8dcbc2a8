"""The study's own log as JSON: lines of the form, and in a chain of the kind, that sessions' logs have.

`at` is in seconds since the epoch, `session_id` is always `study`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict

import msgspec

from roomful.codec import CodecError, Encoded, sealed, timestamp
from roomful.core import admission, enrolment
from roomful.core.admission import StudyInput
from roomful.core.enrolment import StudyEntry, StudyEvent
from roomful.core.events import Erased
from roomful.core.roster import ARRIVAL
from roomful.store import STUDY

STUDY_EVENT_TYPES: Mapping[type[StudyEvent], str] = {
    enrolment.StudySetUp: "study_setup",
    enrolment.TokensCreated: "tokens_created",
    enrolment.TokensRevoked: "tokens_revoked",
    enrolment.ParticipantArrived: ARRIVAL,
    enrolment.TreatmentAssigned: "assignment",
    enrolment.PageShown: "page_shown",
    enrolment.ConsentAnswered: "consent",
    enrolment.ChecksMissed: "checks_missed",
    enrolment.PageAnswered: "page_answered",
    enrolment.ParticipationBegun: "participation_begun",
    enrolment.PlaceReleased: "place_released",
    enrolment.PlaceRetaken: "place_retaken",
    enrolment.ChatEnded: "chat_end",
    enrolment.OutcomeReached: "outcome",
    enrolment.DataErased: "data_erased",
    enrolment.StudyPaused: "study_paused",
    enrolment.StudyResumed: "study_resumed",
    enrolment.StudyFrozen: "study_frozen",
    enrolment.DeviationRecorded: "deviation",
}

STUDY_INPUTS: Mapping[type[StudyInput], str] = {
    admission.SetUp: "set_up",
    admission.CreateTokens: "create_tokens",
    admission.RevokeTokens: "revoke_tokens",
    admission.Arrive: "arrive",
    admission.ShowPage: "show_page",
    admission.FillPage: "fill_page",
    admission.Begin: "begin",
    admission.EndChat: "end_chat",
    admission.Withdraw: "withdraw",
    admission.Erase: "erase",
    admission.Pause: "pause",
    admission.Unpause: "unpause",
    admission.Freeze: "freeze",
    admission.Deviate: "deviate",
}

_EVENTS: Mapping[str, type[StudyEvent]] = {name: kind for kind, name in STUDY_EVENT_TYPES.items()}
_INPUTS: Mapping[str, type[StudyInput]] = {name: kind for kind, name in STUDY_INPUTS.items()}
_dumps = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


def encode_study(entry: StudyEntry, previous: str, salt: str) -> Encoded:
    """Return the entry's line, chained to the hash of the line before."""
    if isinstance(entry.event, Erased):
        raise TypeError(f"entry {entry.seq} is erased: only its line can tell its place in the chain")
    # none of these holds a character that JSON would escape
    head = (
        f'{{"timestamp":"{timestamp(0, entry.at)}","event_type":"{STUDY_EVENT_TYPES[type(entry.event)]}",'
        f'"seq":{entry.seq},"at":{entry.at!r},"session_id":"{STUDY}"'
    )
    if entry.input is not None:
        head += f',"input":"{entry.input}"'
    return sealed(head, salt, _dumps(asdict(entry.event)), previous)


def decode_study(text: str) -> StudyEntry:
    """Return the entry of a line. Raises CodecError; keys that are not known are passed over."""
    try:
        line = json.loads(text)
        event_type, data = line["event_type"], line["data"]
        if data is None and "digest" in line:
            event: StudyEvent = Erased(event_type=event_type)
        else:
            kind: type[StudyEvent] = _EVENTS[event_type]
            event = msgspec.convert(data, kind)
        return StudyEntry(int(line["seq"]), float(line["at"]), event, line.get("input"))
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as fault:
        raise CodecError(f"not an entry of a study's log: {fault!r} in {text[:200]!r}") from fault


def encode_input(input: StudyInput) -> dict[str, object]:
    """An input as a JSON object, for a process that has the study's log to enter it."""
    return {"input": STUDY_INPUTS[type(input)], "data": asdict(input)}


def decode_input(name: str, data: Mapping[str, object]) -> StudyInput:
    """The input of such an object. Raises CodecError."""
    try:
        kind: type[StudyInput] = _INPUTS[name]
        return msgspec.convert(data, kind)
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError) as fault:
        raise CodecError(f"not an input of a study: {fault!r}") from fault
