"""Scripted agents whose messages are drawn to have a length and to be of a kind."""

import asyncio
import json
import math
import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomful.core.chance import draw, lognormal
from roomful.core.events import USER, Prompt
from roomful.core.inputs import Connect, Say
from roomful.core.prompts import LONGEST
from roomful.core.state import Message
from roomful.core.timing import ATTENTIVE, KINDS, VARIED
from roomful.llm.scripted import Scripted, compose
from roomful.llm.scripted_drawn import SHORT_MOST, _list, _made
from roomful.llm.scripted_lines import KINDS as ANSWERS
from roomful.llm.scripted_lines import THREADS
from roomful.llm.scripted_reading import TOPICS, words_of
from roomful.llm.scripted_short import QUESTIONS, SHORTS
from roomful.llm.scripted_style import SHORT, SLIPS
from roomful.llm.scripted_tales import ASKED_EACH, TALES, TOLD_EACH
from roomful.session import SimulationSession
from roomful.store.memory import MemoryStore
from roomful.timeline import SimulatedTimeline, simulated_loop
from tests.rooms import start
from tests.stores import claimed

NAMES = ("Alice", "Bob", "Chen", "Dana")
HEARD = (
    "hi all",
    "does anyone know when the bins go out?",
    "are you a bot?",
    "the bus was late again",
    "haha",
    "who is coming to the fete?",
    "what do you think?",
    "ok",
)
CALLS = 190
"""A little more than a session of 15 minutes has at 12 messages a minute."""
LONG = (7, 8, 10, 15, 25, 60)

type Said = tuple[str, str]


def prompt(
    number: int = 1,
    *,
    words: int,
    speech: str = "tell",
    said: Sequence[Said] = (),
    to: int | None = None,
    emoji: bool | None = None,
    answering: str | None = None,
    seed: int = 7,
    name: str = "Alice",
) -> Prompt:
    """A prompt as `roomful.core.prompts` writes it."""
    lines = [
        json.dumps({"id": f"m{place}", "from": sender, "text": text}, ensure_ascii=False)
        for place, (sender, text) in enumerate(said, 1)
    ]
    manner = [f"Write {name}'s next message to the group."]
    manner += ["It begins something new." if to is None else f"It takes up the message m{to}."]
    manner += [] if emoji is None else ["It has one emoji." if emoji else "It has no emoji."]
    text = "\n".join(["The last messages:", *lines, " ".join(manner)])
    return Prompt(
        agent_name=name,
        system="",
        text=text,
        answering=answering,
        seed=seed,
        number=number,
        words=words,
        speech="" if answering is not None else speech,
    )


def replies(words: int, speech: str = "tell", calls: int = CALLS, **about: object) -> list[str]:
    """What is said where every call of a session asks for the same."""
    heard = {"said": [("Bob", "well")], "to": 1} | about
    return [compose(prompt(number, words=words, speech=speech, **heard)) for number in range(1, calls + 1)]  # type: ignore[arg-type]


def drawn_session(seed: int, window: int, calls: int = CALLS) -> Iterator[str]:
    """What agents say whose lengths and kinds are drawn; every eighth call answers somebody."""
    room: list[Said] = []
    for number in range(1, calls + 1):
        name = NAMES[int(draw(seed, "who", number) * len(NAMES))]
        words = min(max(round(lognormal(5.75, 0.92, draw(seed, "words", number))), 1), 60)
        speech = KINDS[int(draw(seed, "kind", number) * len(KINDS))]
        heard = HEARD[number // 8 % len(HEARD)] if number % 8 == 0 else None
        seen = room[-window:] if window else []
        to = len(seen) if seen and number % 10 else None
        asked = prompt(
            number, words=words, speech=speech, said=seen, to=to, answering=heard, seed=seed, name=name, emoji=False
        )
        text = compose(asked)
        room.append((name, text))
        yield text


def repeated(texts: Sequence[str]) -> list[str]:
    return [text for text, count in Counter(text.casefold() for text in texts).items() if count > 1]


@pytest.mark.parametrize("window", [0, 1, 10])
@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_said_twice_in_a_session(seed, window):
    assert repeated(list(drawn_session(seed, window))) == []


@pytest.mark.parametrize("words", [*range(1, SHORT_MOST + 1), *LONG])
@pytest.mark.parametrize("speech", KINDS)
def test_not_even_where_all_messages_are_drawn_alike(speech, words):
    assert repeated(replies(words, speech)) == []
    assert repeated(replies(words, speech, to=None, seed=8, name="Bob")) == []


@pytest.mark.parametrize("heard", [*HEARD, "", "my cat and the bus", "ok bye"])
def test_the_same_question_never_gets_the_same_answer(heard):
    said = [compose(prompt(n, words=1 + n % 14, answering=heard)) for n in range(1, CALLS + 1)]
    alike = [compose(prompt(n, words=5, answering=heard)) for n in range(1, CALLS + 1)]

    assert repeated(said) == []
    assert repeated(alike) == []


@pytest.mark.parametrize("speech", KINDS)
def test_a_message_has_about_as_many_words_as_drawn(speech):
    for words in (*range(1, 13), 15, 20, 25, 30, 40):
        counts = [len(text.split()) for text in replies(words, speech, 97, emoji=False)]
        near = [abs(count - words) <= max(1, 0.2 * words) for count in counts]
        assert fmean(near) >= 0.9, (words, Counter(counts))
        assert 0.75 * words <= fmean(counts) <= 1.25 * words + 0.5, words


def test_one_word_is_one_word():
    for speech in KINDS:
        assert {len(text.split()) for text in replies(1, speech)} == {1}
        assert {len(text.split()) for text in replies(1, speech, emoji=True)} == {1}
    assert fmean(len(compose(prompt(n, words=1, answering="ok")).split()) for n in range(1, 97)) < 1.2


def test_the_longest_messages_are_long():
    assert fmean(len(text.split()) for text in replies(60, calls=97)) >= 40


@pytest.mark.parametrize("words", [1, 2, 3, 4, 5, 6, 8, 12, 20])
def test_who_asks_asks_and_nobody_else_does(words):
    assert all("?" in text for text in replies(words, "ask"))
    for speech in set(KINDS) - {"ask"}:
        assert not any("?" in text for text in replies(words, speech)), speech


def test_who_agrees_does_not_sound_like_who_disagrees():
    for words in (1, 2, 4, 6, 9, 14):
        first = {speech: Counter(words_of(text)[0] for text in replies(words, speech)) for speech in KINDS}
        agreeing, doubting = first["agree"], first["disagree"]
        assert sum((agreeing & doubting).values()) <= 0.4 * CALLS, (words, agreeing & doubting)


def test_an_emoji_is_where_one_is_asked_for_and_nowhere_else():
    emoji = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
    for words in (1, 2, 5, 9, 20):
        for speech in KINDS:
            assert all(len(emoji.findall(text)) == 1 for text in replies(words, speech, 60, emoji=True))
            assert not any(emoji.search(text) for text in replies(words, speech, 60, emoji=False))


def test_a_topic_that_somebody_brought_up_is_taken_up():
    heard = [("Zoe", "my wifi has been down all day"), ("Bob", "hm")]

    taken = replies(7, calls=97, said=heard, to=1)
    passed = replies(7, calls=97, said=heard, to=2)

    cores = next(thread.told for thread in THREADS if thread.noun == "the internet")
    hits = [sum(any(written(core) in written(text) for core in cores) for text in texts) for texts in (taken, passed)]
    assert hits[0] >= 40
    assert hits[1] == 0


def told_about(text: str) -> str | None:
    """The topic of the tale in a message."""
    said = f" {written(text)} "
    found = (noun for noun, tales in TALES.items() for parts in tales.told if f" {written(parts[0])} " in said)
    return next(found, None)


def test_the_room_has_a_topic_for_a_while():
    topics = [told_about(text) for text in replies(12, calls=45)]

    # the tenth call is the first of the next, if nobody holds on to the one before
    assert all(len(set(topics[place + 3 : place + 9])) == 1 for place in range(0, 45, 9)), topics
    assert len(set(topics)) == 5


def test_a_topic_goes_on_for_those_who_take_it_up():
    before, after = (told_about(replies(12, calls=number)[-1]) for number in (9, 14))

    def tenth(noun: str) -> str | None:
        word = next(word for word, topic in TOPICS.items() if THREADS[topic].noun == noun)
        return told_about(compose(prompt(10, words=12, said=[("Zoe", f"{word} again")], to=1)))

    assert before != after
    assert (tenth(before), tenth(after)) == (before, after)


def test_who_begins_something_new_begins_another_topic():
    usual = {told_about(text) for text in replies(12, calls=90)}
    new = {told_about(text) for text in replies(12, calls=90, to=None)}

    assert None not in new
    assert not usual & new


def test_people_keep_to_their_way_of_writing():
    for name in NAMES:
        starts = {text[0].islower() for text in replies(5, name=name) if text[0].isalpha()}
        assert len(starts) == 1


def test_nobody_sounds_like_an_assistant():
    tell = (
        r"as an ai|language model|\bassist|happy to help|great question|good question for you|feel free|let me know if"
        r"|certainly|i understand|apologi[sz]e for|important to note|delve|—|\*|^\W*\w+: |^[\"'“]|[\[\]{}~/]"
    )
    said = [text for seed in range(6) for text in drawn_session(seed, 10)]

    assert [text for text in said if re.search(tell, text, re.IGNORECASE)] == []


def test_every_topic_has_its_tales_and_questions():
    assert list(TALES) == [thread.noun for thread in THREADS]
    for tales in TALES.values():
        assert len(tales.told) == TOLD_EACH
        assert len(tales.asked) == ASKED_EACH
        assert all(question.endswith("?") for question in tales.asked)
        for parts in tales.told:
            assert len(parts[0].split()) <= 8, parts
            assert parts[0][0].isupper(), parts
            assert not re.search(r"[?:\"]", "".join(parts)), parts


def test_tales_and_questions_are_no_near_duplicates():
    lines = [parts[0] for tales in TALES.values() for parts in tales.told]
    lines += [question for tales in TALES.values() for question in tales.asked]
    lines += QUESTIONS
    sets = [frozenset(words_of(line)) for line in lines]
    long = [words for words in sets if len(words) >= 4]

    close = [(one, other) for one, other in combinations(long, 2) if len(one & other) >= 0.6 * len(one | other)]

    assert close == []


@cache
def listed() -> dict[str, str]:
    """Every short message and answer as anybody may write it, and the list it stands in; those in two are told."""
    found: dict[str, str] = {}
    lists = {f"{kind} {n}": _list(kind, n)[0][:CALLS] for kind in SHORTS for n in range(1, SHORT_MOST + 1)}
    lists |= {f"{kind} answer {n}": _made(kind, None, n)[0] for kind in ANSWERS for n in range(1, 9)}
    for where, lines in lists.items():
        for line in lines:
            bare = written(line) if " " in line else line.casefold()
            assert bare not in found, (line, where, found[bare])
            found[bare] = where
    return found


def written(line: str) -> str:
    spelt = SHORT | SLIPS
    return " ".join(spelt.get(word, word) for word in re.findall(r"[\w-]+", line.lower().replace("'", "")))


def test_no_short_message_stands_in_two_lists():
    assert len(listed()) > 10_000


@pytest.mark.parametrize("kind", SHORTS)
def test_there_are_enough_short_messages_of_every_length(kind):
    for words in range(1, SHORT_MOST + 1):
        lines, block = _list(kind, words)
        assert len(lines) >= CALLS, words
        assert len(lines) % block == 0
        assert {len(line.split()) for line in lines} == {words}


# --- whole sessions


async def posted(seed: int) -> list[Message]:
    """The messages of a session of 5, 10 or 15 minutes at 5 or 6 a minute, in which a participant says something."""
    minutes = (5, 10, 15)[seed % 3]
    begin = start(
        seed=seed,
        num_agents=len(NAMES),
        agent_names=NAMES,
        messages_per_minute=5 + seed % 2,
        user_response_probability=0.7,
        session_duration_minutes=minutes,
        context_window_size=15,
        timing=ATTENTIVE,
        speech=VARIED,
    )
    session = SimulationSession(await claimed(MemoryStore()), Scripted(), SimulatedTimeline())
    session.put(begin, 0)
    session.put(Connect(protocol=2), 0)
    for said in range(minutes - 1):
        session.put(Say(content=HEARD[said % len(HEARD)], client_id=str(said)), 40 + 60 * said)
    await session.run()
    return list(session.log.state.messages)


@cache
def sessions() -> Sequence[Sequence[Message]]:
    with asyncio.Runner(loop_factory=simulated_loop) as runner:
        return [runner.run(posted(seed)) for seed in range(1, 37)]


def by_agents(messages: Sequence[Message]) -> list[str]:
    return [message.content for message in messages if message.sender != USER]


def log_words(messages: Sequence[Message]) -> list[float]:
    return [math.log(len(text.split())) for text in by_agents(messages)]


DELIDATA = {"mean_ln_words": (1.7548, 0.3241), "sd_ln_words": (0.8821, 0.1408), "one_word": (0.1284, 0.0954)}
"""Mean and standard deviation over 500 groups of DeliData (CC-BY-4.0), 12 messages and more."""


@pytest.mark.parametrize(
    ("statistic", "of"),
    [
        ("mean_ln_words", fmean),
        ("sd_ln_words", stdev),
        ("one_word", lambda logs: fmean(log == 0 for log in logs)),
    ],
)
def test_messages_are_as_long_as_those_of_people_in_groups(statistic, of):
    mean, spread = DELIDATA[statistic]

    simulated = fmean(of(log_words(messages)) for messages in sessions())

    assert abs(simulated - mean) / spread < 0.35


def test_people_ask_in_as_many_messages_as_people_do():
    texts = [text for messages in sessions() for text in by_agents(messages)]

    assert 0.12 <= fmean("?" in text for text in texts) <= 0.18


def test_nobody_says_in_a_session_what_was_said_before():
    assert [repeated(by_agents(messages)) for messages in sessions()] == [[]] * len(sessions())


def test_hardly_a_message_is_nearly_another():
    compared = near = 0
    for messages in sessions():
        own: dict[str, list[frozenset[str]]] = {}
        recent: deque[frozenset[str]] = deque(maxlen=20)
        for message in messages:
            words = frozenset(re.findall(r"[^\W_]+(?:['’][^\W_]+)*", message.content.casefold()))
            mine = own.setdefault(message.sender, [])
            if message.sender != USER and len(words) >= 4:
                compared += 1
                near += any(alike(words, other) >= 0.6 for other in mine) or any(
                    alike(words, other) >= 0.7 for other in recent
                )
                mine.append(words)
            recent.append(words if len(words) >= 4 else frozenset())

    assert compared > 1000
    assert near / compared < 0.005


def alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard similarity."""
    return len(one & other) / len(one | other)


any_text = st.text(st.characters(), max_size=120)


@given(
    number=st.integers(-5, 2**70),
    words=st.integers(1, 10**9),
    speech=st.sampled_from(["", "shout", *KINDS]),
    said=st.lists(st.tuples(any_text, any_text | st.sampled_from(HEARD)), max_size=5),
    noise=any_text,
    answering=st.none() | any_text | st.sampled_from(HEARD),
    seed=st.integers(),
    name=any_text,
)
def test_whatever_is_asked_a_message_comes(number, words, speech, said, noise, answering, seed, name):
    to = len(said) or None
    asked = prompt(number, words=words, speech=speech, said=said, to=to, answering=answering, seed=seed, name=name)

    for text in (asked.text, noise, asked.text + noise):
        reply = compose(replace(asked, text=text))
        assert 1 <= len(reply) <= LONGEST
        assert reply == reply.strip()
        assert "\n" not in reply
