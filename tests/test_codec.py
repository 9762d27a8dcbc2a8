"""Entries as lines: what is written is read, and what was changed is found."""

import json
import typing
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass, replace
from hashlib import sha256
from types import NoneType, UnionType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomful.codec import CodecError, decode, encode, parse_timestamp, timestamp
from roomful.core import inputs
from roomful.core.events import (
    SHOWN,
    ActivityRecorded,
    CallAnswered,
    CallFailed,
    CallRequested,
    Entry,
    Erased,
    ErrorRecorded,
    Event,
    MemberBlocked,
    MessagePosted,
    MessageReported,
    ParticipantConnected,
    ParticipantDisconnected,
    Prompt,
    ReactionSet,
    SessionEnded,
    SessionResumed,
    SessionStarted,
    SessionSuspended,
    TypingStarted,
)
from roomful.core.inputs import Input
from tests import examples
from tests.rooms import Room, only, start

SESSION = examples.SESSION
STARTED = examples.STARTED
TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=20) | st.sampled_from(
    ["\0", "\ud800", "\ude00\ud83d", "👩‍👩‍👧", "\u2028", '"}\n', "\x7f\x1b", "\u200f\u0645\u0631"]
)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT, lambda item: st.lists(item) | st.dictionaries(TEXT, item), max_leaves=5
)


def values(kind: object) -> st.SearchStrategy:
    """Values of a type, whatever the type allows."""
    if isinstance(kind, typing.TypeAliasType):
        return values(kind.__value__)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin in (typing.Union, UnionType):
        return st.one_of([values(argument) for argument in arguments])
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if origin is Mapping:
        return st.dictionaries(TEXT, values(arguments[1]), max_size=3)
    if is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return st.builds(kind, **{item.name: values(hints[item.name]) for item in fields(kind)})
    scalars = {str: TEXT, int: st.integers(), bool: st.booleans(), NoneType: st.none(), object: JSON}
    floats = st.floats(allow_nan=False, allow_infinity=False)
    return floats if kind is float else scalars[kind]


# an erased event is never written: tests/test_chain.py has what is read of it
EVENTS: dict[type, st.SearchStrategy[Event]] = {
    kind: values(kind) for kind in Event.__value__.__args__ if kind is not Erased
}
INPUTS: dict[type, st.SearchStrategy[Input]] = {kind: values(kind) for kind in Input.__value__.__args__}
AT = st.integers(0, 10**11).map(lambda micros: micros / 1e6)

CAUSED: dict[type, type] = {
    inputs.Start: SessionStarted,
    inputs.Suspend: SessionSuspended,
    inputs.Resume: SessionResumed,
    inputs.Connect: ParticipantConnected,
    inputs.Disconnect: ParticipantDisconnected,
    inputs.Say: MessagePosted,
    inputs.React: ReactionSet,
    inputs.Report: MessageReported,
    inputs.Block: MemberBlocked,
    inputs.Observe: ActivityRecorded,
    inputs.Complain: ErrorRecorded,
    inputs.Answered: CallAnswered,
    inputs.Failed: CallFailed,
    inputs.Rang: TypingStarted,
    inputs.Leave: SessionEnded,
    inputs.End: SessionEnded,
}
"""An event that each input leads to."""
OTHER_NAMES = {"experimental": "experimental_config", "simulation": "simulation_config"}


def line(entry: Entry, previous: str = "0" * 64, salt: str = "5a17") -> str:
    return encode(entry, SESSION, STARTED, previous, salt).text


def verify(text: str, head_hash: str) -> bool:
    """Check a log from its text alone, as docs/log.md tells it: the chain, its numbers and every line's data."""
    link = "0" * 64
    for seq, written in enumerate(text.splitlines(), 1):
        head, _, rest = written.partition(',"salt":"')
        salt, _, rest = rest.partition('","hash":"')
        said, _, rest = rest.partition('","data":')
        digest = sha256((salt + rest[:-1]).encode()).hexdigest()
        link = sha256((link + head + digest).encode()).hexdigest()
        if said != link or rest[-1:] != "}" or json.loads(written)["seq"] != seq:
            return False
    return link == head_hash


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
@settings(max_examples=30)
@given(data=st.data())
def test_every_event_is_read_as_it_was_written(kind, data):
    event, at = data.draw(EVENTS[kind]), data.draw(AT)
    if isinstance(event, CallAnswered) and event.text is None:
        event = CallAnswered(call_id=event.call_id, prompt=event.prompt, reply=event.reply, text=None, rejected="x")
    entry = Entry(7, at, event, 3 if isinstance(event, SHOWN) else None)

    text = line(entry)

    assert text.isascii()
    assert text.isprintable()
    assert decode(text) == entry


@pytest.mark.parametrize("kind", INPUTS, ids=lambda kind: kind.__name__)
@settings(max_examples=30)
@given(data=st.data())
def test_every_input_is_read_as_it_was_written(kind, data):
    cause = data.draw(INPUTS[kind])
    if isinstance(cause, inputs.Rang):
        cause = inputs.Rang(alarm="typing:b7")
    if isinstance(cause, inputs.Leave):
        # its event tells by the reason alone which of the two it was
        (event,) = only(Room(start()).take(cause), SessionEnded)
        assert decode(line(Entry(1, 0.0, event, 1, cause))).input == cause
        return
    event = data.draw(EVENTS[CAUSED[kind]])
    taken = {item.name for item in fields(event)}
    same = {
        name: getattr(cause, item.name)
        for item in fields(cause)
        if (name := OTHER_NAMES.get(item.name, item.name)) in taken
    }
    values_of = {item.name: getattr(event, item.name) for item in fields(event)}
    event = type(event)(**(values_of | same))

    found = decode(line(Entry(1, 0.0, event, 1 if isinstance(event, SHOWN) else None, cause)))

    assert found.input == cause


@given(st.integers(0, 4 * 10**15), AT)
def test_a_timestamp_is_read_to_the_microsecond(started, at):
    text = timestamp(started, at)

    assert text.endswith("Z")
    assert parse_timestamp(text) == started + round(at * 1e6)


def test_a_log_is_verified_from_its_text_alone():
    text = "\n".join(examples.lines())

    assert verify(text, json.loads(examples.lines()[-1])["hash"])


def test_a_change_of_any_byte_is_found():
    text = "\n".join(examples.lines()[:8])
    head = json.loads(examples.lines()[7])["hash"]
    assert verify(text, head)

    for place, char in enumerate(text):
        changed = text[:place] + ("x" if char != "x" else "y") + text[place + 1 :]
        # it may no longer be JSON
        with suppress(ValueError):
            assert not verify(changed, head), text[place - 20 : place + 20]


def test_a_line_taken_out_put_in_moved_or_cut_off_is_found():
    lines = examples.lines()
    head = json.loads(lines[-1])["hash"]

    for changed in (
        lines[:-1],
        lines[1:],
        lines[:3] + lines[4:],
        [*lines, lines[-1]],
        [lines[1], lines[0], *lines[2:]],
    ):
        assert not verify("\n".join(changed), head)


def test_data_can_be_taken_away_and_the_chain_still_be_checked():
    entry = examples.entries()[0]
    encoded = encode(entry, SESSION, STARTED, "0" * 64, "5a17")
    head, _, rest = encoded.text.partition(',"salt":"')
    kept = sha256(("5a17" + rest.partition(',"data":')[2][:-1]).encode()).hexdigest()

    assert sha256(("0" * 64 + head + kept).encode()).hexdigest() == encoded.hash


def test_the_same_data_under_another_salt_has_another_fingerprint():
    entry = examples.entries()[0]

    assert encode(entry, SESSION, STARTED, "", "1").hash != encode(entry, SESSION, STARTED, "", "2").hash


@pytest.mark.parametrize("text", examples.lines(), ids=lambda text: json.loads(text)["event_type"])
def test_keys_that_are_not_known_are_passed_over(text):
    whole = json.loads(text)
    whole["data"] = {**whole["data"], "from_next_year": {"x": [1]}, "answers_to": None}
    whole["mood"] = "good"

    assert decode(json.dumps(whole)) == decode(text)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
@settings(max_examples=30)
@given(data=st.data())
def test_a_line_without_the_keys_that_have_defaults_is_read(kind, data):
    event = data.draw(EVENTS[kind])
    whole = json.loads(line(Entry(1, 0.0, event)))
    optional = [item for item in fields(kind) if (item.default, item.default_factory) != (MISSING, MISSING)]
    for item in optional:
        whole["data"].pop(item.name, None)

    found = decode(json.dumps(whole)).event

    assert type(found) is kind
    for item in optional:
        if item.name != "reply":
            default = item.default if item.default is not MISSING else item.default_factory()
            assert getattr(found, item.name) == default


def test_an_old_session_start_without_newer_settings_is_read():
    whole = json.loads(examples.lines()[0])
    for key in ("reconnect_grace_seconds", "participant_name", "seed", "llm"):
        del whole["data"]["simulation_config"][key]
    for key in ("versions", "treatment"):
        del whole["data"][key]

    event = decode(json.dumps(whole)).event

    assert event.simulation_config.reconnect_grace_seconds == 60
    assert event.simulation_config.llm.timeout_seconds == 20


def broken() -> list[str]:
    whole = json.loads(examples.lines()[0])

    def changed(**about: object) -> str:
        return json.dumps(whole | about)

    return [
        "", "x", "null", "7", '"text"', "[]", "{}", "[" * 100_000, '{"seq":1}', examples.lines()[0][:-5],
        changed(event_type="nonsense"), changed(event_type=None), changed(event_type=["message"]),
        changed(event_type="llm_call"), changed(event_type="message"), changed(data=None), changed(data=7),
        changed(data=[]), changed(data="text"), changed(data={}), changed(at=None), changed(at=int("9" * 400)),
        changed(at="soon"), changed(input=7), changed(input="say"), changed(input="nonsense"), changed(input=None),
        changed(seq="1"), changed(seq=None), changed(seq=True), changed(shown="1"),
        changed(event_type="session_suspended", input="suspend", data=[]),
        changed(data={**whole["data"], "simulation_config": 7}),
        changed(data={**whole["data"], "simulation_config": {}}),
        # a tombstone has no data, and a call has a reply or an error
        changed(digest="f" * 64), changed(digest=7, data=None),
        changed(event_type="llm_call", data={"call_id": "c1", "prompt": "", "agent_name": "Bob", "system": "",
                                             "response": None, "error": None}),
        f'{{"mood":{"[" * 100_000}',
    ]  # fmt: skip


@pytest.mark.parametrize("text", broken(), ids=lambda text: text[-40:])
def test_what_is_not_an_entry_is_said_to_be_none(text):
    with pytest.raises(CodecError):
        decode(text)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
@settings(max_examples=30)
@given(data=st.data())
def test_for_a_fold_is_left_out_what_it_does_not_look_at_and_nothing_else(kind, data):
    text = line(Entry(1, 0.0, data.draw(EVENTS[kind]), None, inputs.Rang(alarm="clock")))
    whole, found = decode(text), decode(text, folding=True)

    assert found in (whole, _bare(whole), replace(whole, input=None))


def _bare(entry: Entry) -> Entry:
    """An entry without its input, a prompt, and the words of a reply."""
    event, nothing = entry.event, Prompt(agent_name="", system="", text="")
    if isinstance(event, CallRequested):
        event = replace(event, prompt=nothing, parameters={})
    elif isinstance(event, CallAnswered):
        reply = replace(event.reply, text="", model="", finish_reason="", attempts=(), provider="")
        whose = replace(nothing, agent_name=event.prompt.agent_name)
        event = replace(event, prompt=whose, reply=reply, rejected=None, repairs=())
    elif isinstance(event, CallFailed):
        whose = replace(nothing, agent_name=event.prompt.agent_name)
        event = replace(event, prompt=whose, message="", attempts=())
    return replace(entry, input=None, event=event)


def test_prompts_are_not_read_for_a_fold():
    asked = [decode(text, folding=True).event for text in examples.lines() if '"prompt":' in text]

    assert {event.prompt.text for event in asked if isinstance(event, CallRequested | CallAnswered)} == {""}


def test_the_examples_are_read_as_they_were_written():
    assert [decode(text) for text in examples.lines()] == examples.entries()


def test_two_entries_in_one_line_are_no_entry():
    first, second = examples.lines()[:2]

    with pytest.raises(CodecError):
        [decode(text) for text in [f"{first},{second}"]]


def test_a_fault_names_the_line():
    with pytest.raises(CodecError, match="unknown event_type 'nonsense'"):
        decode('{"seq":1,"at":0,"event_type":"nonsense","data":{}}')


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_a_number_without_an_end_is_not_written(number):
    with pytest.raises(ValueError, match="JSON compliant"):
        line(Entry(1, 0.0, ActivityRecorded(kind="seen", details={"items": [{"seconds": number}]})))
