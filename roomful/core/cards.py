"""Who an agent is in a session: its card, and the side it takes on what the participant answered."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from roomful.core.chance import choose, draw
from roomful.core.events import SessionStarted
from roomful.core.lexicon import spaced_words
from roomful.core.study import AgentCard, Position, Stances, StanceWords

AGREE, DISAGREE, NEUTRAL = "agree", "disagree", "neutral"

_RANGE = re.compile(r"(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)")


class Sides(NamedTuple):
    """By agent: the side it takes, and what it is told to think; an agent without a word of its own keeps its card."""

    sides: Mapping[str, str]
    words: Mapping[str, str]
    found: bool
    """Whether the answer was that of a position; else one was drawn to stand for it."""


def range_of(answer: str) -> tuple[float, float] | None:
    """The two ends of a range of numbers such as `1..3`, both part of it; None for any other answer."""
    found = _RANGE.fullmatch(answer)
    return (float(found[1]), float(found[2])) if found else None


def position_of(positions: Sequence[Position], answer: str | None) -> Position | None:
    """The position of somebody who gave this answer; None where it is nobody's."""
    if answer is None:
        return None
    exact = (position for position in positions if answer in position.answers)
    return next(exact, None) or next((position for position in positions if _within(position, answer)), None)


def _within(position: Position, answer: str) -> bool:
    try:
        number = float(answer)
    except ValueError:
        return False
    ranges = (range_of(expected) for expected in position.answers)
    return any(found is not None and found[0] <= number <= found[1] for found in ranges)


def own_position(stances: Stances, answer: str | None, seed: int) -> Position:
    """The position of a participant who gave this answer; one that is drawn by seed where it is nobody's."""
    return position_of(stances.positions, answer) or choose(stances.positions, draw(seed, "position"))


def take_sides(stances: Stances, names: Sequence[str], answer: str | None, seed: int) -> Sides:
    """Draw by seed who agrees and who disagrees with an answer.

    Those who agree have the position of the answer, each of those who disagree has one of the others. An answer
    that is no position's, or none at all, is stood for by a position that is drawn.
    """
    own = own_position(stances, answer, seed)
    others = [position for position in stances.positions if position is not own]
    drawn = sorted(names, key=lambda name: (draw(seed, "side", name), name))
    agreeing = stances.disagree + stances.agree
    sides = dict.fromkeys(drawn[: stances.disagree], DISAGREE)
    sides |= dict.fromkeys(drawn[stances.disagree : agreeing], AGREE) | dict.fromkeys(drawn[agreeing:], NEUTRAL)
    words = {name: own.stance for name in names if sides[name] == AGREE}
    words |= {
        name: choose(others, draw(seed, "other_position", name)).stance for name in names if sides[name] == DISAGREE
    }
    # in the order of the settings: that of the draw is nobody's business
    in_order = {name: sides[name] for name in names}
    found = position_of(stances.positions, answer) is not None
    return Sides(in_order, {name: words[name] for name in names if name in words}, found)


_NO_CARD = AgentCard()


def card_of(session: SessionStarted, name: str) -> AgentCard:
    """An agent's card as it holds in a session: the side it takes is its stance, `{agent_name}` is its name."""
    card = session.experimental_config.agents.get(name, _NO_CARD)
    if card is _NO_CARD and name not in session.stances:
        return card
    return AgentCard(
        style=named(card.style, name),
        stance=named(session.stances.get(name, card.stance), name),
        facts=tuple(named(fact, name) for fact in card.facts),
        stance_words=card.stance_words,
    )


def contradicts(session: SessionStarted, name: str, text: str) -> bool:
    """Whether more of the words of the opposite stance are in a text than of the agent's own; of each, once at most.

    Words are those that its card declares, or the positions for those who take sides. "I don't want that" has the
    words of those who want it: what is counted is worth a look, and no verdict.
    """
    words = _stance_words(session, name)
    if words is None:
        return False
    said = spaced_words(text)
    own = sum(spaced_words(phrase) in said for phrase in words.own)
    return sum(spaced_words(phrase) in said for phrase in words.opposite) > own


def _stance_words(session: SessionStarted, name: str) -> StanceWords | None:
    study, told_to_think = session.experimental_config, session.stances.get(name)
    if study.stances is None or told_to_think is None:
        card = study.agents.get(name)
        return card.stance_words if card else None
    own, opposite = list[str](), list[str]()
    for position in study.stances.positions:
        (own if position.stance == told_to_think else opposite).extend(position.words)
    return StanceWords(own=tuple(own), opposite=tuple(opposite)) if opposite else None


def named(text: str, name: str) -> str:
    """A text of the study with an agent's name where it says `{agent_name}`."""
    return text.replace("{agent_name}", name)


def told(card: AgentCard) -> str:
    """A card as it stands in its agent's prompt; empty where nothing is on it."""
    return "\n".join(_lines(card))


def _lines(card: AgentCard) -> Iterator[str]:
    if card.style:
        yield f"How you write: {card.style}"
    if card.stance:
        yield f"What you think: {card.stance}"
    if card.facts:
        yield "What you know:"
        yield from (f"- {fact}" for fact in card.facts)


_CASES = ("in lower case throughout", "with capitals where they belong")
_STOPS = ("without full stops", "without a full stop at the end", "with full stops")
_SLIPS = ("Now and then a word is mistyped.", "Some words are shortened.", "Words are spelt out.")
_EMOJI = ("If there is an emoji, it is a plain one.", "If there is an emoji, it is a funny one.")


@lru_cache(1024)
def styled(seed: int, name: str) -> str:
    """A way of writing for an agent whose card has none, the same for a whole session. Set by us."""

    def one(what: str, words: Sequence[str]) -> str:
        return choose(words, draw(seed, "style", name, what))

    case, stops = one("case", _CASES), one("stops", _STOPS)
    return f"You write {case}, {stops}. {one('slips', _SLIPS)} {one('emoji', _EMOJI)}"


def spoken(card: AgentCard) -> str:
    """What of a card its agent may say in the same words."""
    return "\n".join(text for text in (card.stance, *card.facts) if text)
