"""What the experimental parameters must be: the agents' cards, the sides they take, the messages seeded in the room."""

from collections.abc import Iterator, Mapping

from roomful.core.cards import range_of
from roomful.core.study import (
    AgentCard,
    ExperimentalSettings,
    Position,
    SeededMessage,
    Stances,
    StanceWords,
    Target,
)
from roomful.rules import (
    NAME,
    TEXT,
    Fault,
    JSONObject,
    Rule,
    Wrong,
    array_of,
    integer,
    legible,
    object_of,
    or_null,
    shown,
    wrong,
)
from roomful.spoken import LICENCE
from roomful.target_settings import TARGETS, check_targets

SEEDED_LONGEST = 2000
"""Characters of a seeded message: an article may be longer than what an agent writes."""


def _or[T](rule: Rule[T], nothing: T) -> Rule[T]:
    """The same rule, with null for what stands there when the key does not."""
    maybe = or_null(rule)

    def read(value: object) -> T:
        found = maybe.read(value)
        return nothing if found is None else found

    return Rule(maybe.expected, read)


def _read_words(value: object) -> str:
    text = TEXT.read(value)
    if not text.strip():
        raise wrong(value, "a string that is not empty")
    return text


_WORDS = Rule("a string that is not empty", _read_words)

_PHRASES = _or(array_of("an array of words or phrases", _WORDS), ())

STANCE_WORDS_RULES: Mapping[str, Rule[object]] = {"own": _PHRASES, "opposite": _PHRASES}

CARD_RULES: Mapping[str, Rule[object]] = {
    "style": _or(TEXT, ""),
    "stance": _or(TEXT, ""),
    "facts": _or(array_of("an array of strings", _WORDS), ()),
    "stance_words": or_null(object_of(StanceWords, STANCE_WORDS_RULES)),
}
_CARD = object_of(AgentCard, CARD_RULES)


def _read_agents(value: object) -> Mapping[str, AgentCard]:
    if not isinstance(value, JSONObject):
        raise wrong(value, "an object")
    faults, cards = list(value.strays(list(value))), dict[str, AgentCard]()
    for name, card in value.items():
        try:
            cards |= {} if card is None else {name: _CARD.read(card)}
        except Wrong as error:
            faults += [fault.under(legible(name)) for fault in error.faults]
    if faults:
        raise Wrong(*faults)
    return cards


_ANSWER_EXPECTED = 'a string or a number, or a range of numbers such as "1..3", the smaller first'


def _read_answer(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.15g}"
    if not isinstance(value, str) or not value.strip():
        raise wrong(value, _ANSWER_EXPECTED)
    ends = range_of(TEXT.read(value))
    if ends and ends[0] > ends[1]:
        raise wrong(value, _ANSWER_EXPECTED)
    return value


POSITION_RULES: Mapping[str, Rule[object]] = {
    "answers": array_of("an array of at least one answer", Rule(_ANSWER_EXPECTED, _read_answer), 1),
    "stance": _WORDS,
    "words": _PHRASES,
}
_POSITION: Rule[Position] = object_of(Position, POSITION_RULES)

STANCES_RULES: Mapping[str, Rule[object]] = {
    "question": NAME,
    "positions": array_of("an array of at least two positions", _POSITION, 2),
    "agree": integer(0),
    "disagree": integer(0),
    "neutral": integer(0),
}


def _check_stances(_found: Mapping[str, object], good: Mapping[str, object]) -> Iterator[Fault]:
    positions = good.get("positions")
    taken: dict[str, int] = {}
    for index, position in enumerate(positions if isinstance(positions, tuple) else ()):
        for answer in position.answers:
            if (other := next((one for one in taken if _meet(one, answer)), None)) is not None:
                found = f"{shown(answer)}, which positions[{taken[other]}] has already"
                yield Fault("", f"positions[{index}].answers", found, "each answer in one position")
            taken.setdefault(answer, index)


def _meet(one: str, other: str) -> bool:
    """Whether two answers are one, or their numbers have one in common."""
    if one == other:
        return True
    first, second = _ends(one), _ends(other)
    return first is not None and second is not None and first[0] <= second[1] and second[0] <= first[1]


def _ends(answer: str) -> tuple[float, float] | None:
    try:
        return range_of(answer) or (float(answer), float(answer))
    except ValueError:
        return None


_AT_EXPECTED = "a number of seconds; 0 or less: when the session starts"


def _read_at(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= 1e9:
        raise wrong(value, _AT_EXPECTED)
    return float(value)


_SEEDED_EXPECTED = f"a string of 1 to {SEEDED_LONGEST} characters"


def _read_seeded(value: object) -> str:
    text = TEXT.read(value)
    if not text.strip() or len(text) > SEEDED_LONGEST:
        raise wrong(value, _SEEDED_EXPECTED)
    return text


SEEDED_RULES: Mapping[str, Rule[object]] = {
    "sender": NAME,
    "text": Rule(_SEEDED_EXPECTED, _read_seeded),
    "at": Rule(_AT_EXPECTED, _read_at),
}
_SEEDED: Rule[SeededMessage] = object_of(SeededMessage, SEEDED_RULES)

EXPERIMENTAL_RULES: Mapping[str, Rule[object]] = {
    "prompt_template": TEXT,
    "agents": _or(Rule("an object of agents' names, each a card", _read_agents), {}),
    "stances": or_null(object_of(Stances, STANCES_RULES, _check_stances)),
    "seeded_messages": _or(array_of("an array of messages", _SEEDED), ()),
    "targets": TARGETS,
    "licences": _or(array_of(f"an array of licences, each {LICENCE.expected}", LICENCE), ()),
}


def _check_experimental(_found: Mapping[str, object], good: Mapping[str, object]) -> Iterator[Fault]:
    targets, stances = good.get("targets"), good.get("stances")
    # of stances with faults nobody can say what they lack
    if isinstance(targets, Mapping) and "stances" in good:
        declared = {name: target for name, target in targets.items() if isinstance(target, Target)}
        yield from check_targets(declared, stances if isinstance(stances, Stances) else None)


EXPERIMENTAL = object_of(ExperimentalSettings, EXPERIMENTAL_RULES, _check_experimental)
