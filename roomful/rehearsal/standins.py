"""Stand-in participants: what they do and when, as functions of a seed and of what they have seen."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Literal, NamedTuple

from roomful.core.chance import choose, draw, exponential, identifier
from roomful.core.events import USER
from roomful.core.inputs import Connect, Disconnect, Input, Leave, React, Say
from roomful.core.state import Message
from roomful.rehearsal.lines import GREETINGS, HOSTILE, INJECTIONS, TALK

type Kind = Literal["talkative", "silent", "hostile", "leaver", "injector"]

KINDS: tuple[Kind, ...] = ("talkative", "silent", "hostile", "leaver", "injector")
MIXED = "mixed"
"""Stands for one of the kinds, drawn for each session."""

PER_MINUTE: Mapping[Kind, float] = {"talkative": 6.0, "silent": 0.0, "hostile": 3.0, "leaver": 1.5, "injector": 2.0}
"""Messages of each kind. Set for the rehearsal, not measured: real participants differ between studies."""

GAP_LEAST = 1.5
"""Seconds between two messages: nobody types and sends a line in less."""

_REPLIES, _REACTS = 0.2, 0.1
"""Of the messages of a talkative one, how many quote another, and how many are a reaction instead."""
_CLOSES, _COMES_BACK = 0.5, 0.4
"""How many of those who leave close the page, and how many had lost the connection for a while before."""
_EMOJI = ("👍", "😂", "❤️", "😮")


class Seen(NamedTuple):
    """What a participant has before them: the messages of the room, and how many frames have gone out to them."""

    messages: Sequence[Message] = ()
    shown: int = 0

    @property
    def last(self) -> Message | None:
        """The newest message of somebody else."""
        return next((message for message in reversed(self.messages) if message.sender != USER), None)


class Move(NamedTuple):
    """What a stand-in does at a time, in seconds of the session, once it is known what they have seen."""

    at: float
    act: Callable[[Seen], Input]


@dataclass(frozen=True, slots=True)
class Stay:
    """A stand-in's time in a room: its seed, how long it lasts, and how long they may be gone, in seconds."""

    seed: int
    seconds: float
    grace: float

    def draw(self, *name: str | int) -> float:
        """Draw for this stand-in, apart from everything that is drawn for the room."""
        return draw(self.seed, "stand-in", *name)


def drawn_kind(kinds: Sequence[str], seed: int) -> Kind:
    """One of the kinds asked for, each with the same probability; a mixed one is any."""
    asked = choose(kinds, draw(seed, "stand-in", "asked"))
    return next((kind for kind in KINDS if kind == asked), choose(KINDS, draw(seed, "stand-in", "kind")))


def moves(kind: Kind, stay: Stay) -> Iterator[Move]:
    """All that a stand-in of this kind does, in the order of time; none of it is after the session's end."""
    match kind:
        case "talkative":
            return _talk(kind, stay, lambda number: _chat(stay, number))
        case "silent":
            return iter(())
        case "hostile":
            return _talk(kind, stay, lambda number: _say(stay, number, _line(HOSTILE, stay, number)))
        case "injector":
            return _talk(kind, stay, lambda number: _say(stay, number, _line(INJECTIONS, stay, number)))
        case "leaver":
            return _leave(stay)


def _times(kind: Kind, stay: Stay) -> Iterator[tuple[float, int]]:
    """When messages are sent, and their numbers: a memoryless clock with a least gap."""
    mean, at, number = 60 / PER_MINUTE[kind], 0.0, 0
    while at < stay.seconds:
        number += 1
        at += GAP_LEAST + exponential(mean - GAP_LEAST, stay.draw("gap", number))
        if at < stay.seconds:
            yield round(at, 6), number


def _talk(kind: Kind, stay: Stay, act: Callable[[int], Callable[[Seen], Input]]) -> Iterator[Move]:
    return (Move(at, act(number)) for at, number in _times(kind, stay))


def _line(lines: Sequence[str], stay: Stay, number: int) -> str:
    """The line of message `number`: none comes twice before all have been used."""
    round_, place = divmod(number - 1, len(lines))
    return lines[_order(stay, len(lines), round_)[place]]


# all lines are drawn for at once, and a talkative one would draw them a hundred times
@lru_cache(64)
def _order(stay: Stay, count: int, round_: int) -> list[int]:
    return sorted(range(count), key=lambda index: (stay.draw("line", round_, index), index))


def _say(stay: Stay, number: int, line: str, *, quoting: bool = False) -> Callable[[Seen], Input]:
    def act(seen: Seen) -> Input:
        last = seen.last
        return Say(
            content=line.replace("{name}", last.sender if last else "you"),
            client_id=identifier(stay.seed, "stand-in", "client", number),
            reply_to=last.message_id if last and quoting else None,
        )

    return act


def _chat(stay: Stay, number: int) -> Callable[[Seen], Input]:
    """A greeting first; then talk, now and then a reply that quotes, or a reaction."""
    if number == 1:
        return _say(stay, number, choose(GREETINGS, stay.draw("greeting")))
    u = stay.draw("way", number)
    say = _say(stay, number, _line(TALK, stay, number), quoting=u < _REPLIES)
    if u < 1 - _REACTS:
        return say

    def react(seen: Seen) -> Input:
        last = seen.last
        if last is None:
            # nothing is there yet to react to
            return say(seen)
        return React(message_id=last.message_id, emoji=choose(_EMOJI, stay.draw("emoji", number)))

    return react


def _leave(stay: Stay) -> Iterator[Move]:
    """Talk a little, then leave: by saying so, or by closing the page and not coming back within the grace."""
    goes = stay.seconds * (0.05 + 0.9 * stay.draw("leaves"))
    talk = takewhile(lambda move: move.at < goes, _talk("leaver", stay, lambda number: _chat(stay, number)))
    lost = goes * stay.draw("lost") if stay.draw("comes_back") < _COMES_BACK else goes
    # without a grace who loses the connection is gone
    back = lost + stay.grace / 2
    if back >= goes or stay.grace <= 0:
        lost = back = goes
    closes = stay.draw("closes") < _CLOSES
    gone = Move(goes, _close if closes else lambda _: Leave())
    away = [Move(lost, _close), Move(back, lambda _: Connect(protocol=2))] if back < goes else []
    here = [move for move in talk if not lost <= move.at < back]
    return iter(sorted([*here, *away, gone], key=lambda move: move.at))


def _close(seen: Seen) -> Input:
    return Disconnect(sent=seen.shown)
