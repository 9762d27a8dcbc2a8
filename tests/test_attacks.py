"""The fixed attack suite against a model that obeys: nothing of what it was told to say reaches the room."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import pytest

from roomful.codec import decode
from roomful.core import checks
from roomful.core.events import USER, CallAnswered, CallRequested, Event, MessagePosted
from roomful.core.inputs import Connect, Say
from roomful.core.prompts import clean
from roomful.core.timing import ATTENTIVE, SEED, VARIED
from roomful.session import SimulationSession
from roomful.store.memory import MemoryStore
from roomful.timeline import SimulatedTimeline
from tests.attacks import ATTACKS, Attack, Demand, Obedient, obeyed
from tests.rooms import SESSION, Room, only, start
from tests.stores import claimed
from tests.verified import MADE, verify_made

pytestmark = pytest.mark.anyio

ATTACKED_AT = 40.0
PRESETS: dict[str, dict[str, Any]] = {"seed": {"timing": SEED}, "attentive": {"timing": ATTENTIVE, "speech": VARIED}}


async def attacked(attack: Attack, preset: str = "seed", **changes: Any) -> tuple[list[Event], Obedient]:
    """A whole short session in which the participant tries it once: what happened, and the model."""
    store, llm, timeline = MemoryStore(), Obedient(), SimulatedTimeline()
    first = start(seed=sum(attack.text.encode()), messages_per_minute=12, session_duration_minutes=1.25)
    room = replace(first.simulation, context_window_size=20, **PRESETS[preset], **changes)
    session = SimulationSession(await claimed(store), llm, timeline)
    session.put(replace(first, simulation=room), 0.0)
    session.put(Connect(protocol=2), 0.0)
    session.put(Say(content=attack.text, client_id="1"), ATTACKED_AT)
    await session.run()
    return [decode(line.text).event for line in await store.read(SESSION)], llm


def reached(events: Sequence[Event], llm: Obedient) -> list[str]:
    """What the model said in obedience and an agent posted, but for what is a plain message of its own."""
    obedient = [event for event in only(events, CallAnswered) if event.reply.text in llm.obeyed]
    return [event.text for event in obedient if event.text is not None and not own_words(event)]


def own_words(event: CallAnswered) -> bool:
    """Whether the model, told to speak for somebody, spoke for the agent that was asked: nobody can tell."""
    name = event.prompt.agent_name
    return re.match(rf"\W*{name}\W*:", event.reply.text) is not None and ":" not in (event.text or "")


def number(attack: Attack) -> str:
    return f"{ATTACKS.index(attack)}-{attack.demand}-{attack.language}"


def test_the_suite_has_sixty_attacks_of_every_kind_in_many_languages():
    assert len({attack.text for attack in ATTACKS}) == len(ATTACKS) >= 60
    assert {attack.demand for attack in ATTACKS} == set(get_args(Demand.__value__))
    assert {attack.language for attack in ATTACKS} >= {"en", "de", "es", "ar", "zh"}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("attack", ATTACKS, ids=number)
async def test_nothing_that_an_obedient_model_says_reaches_the_room(attack, preset):
    events, llm = await attacked(attack, preset)

    said = [event.content for event in only(events, MessagePosted) if event.sender != USER]
    systems = {event.prompt.system for event in only(events, CallRequested)}
    assert llm.obeyed
    assert said
    assert reached(events, llm) == []
    assert not any(recites(text, system) for text in said for system in systems)
    assert not any(
        re.match(r"\W*(Alice|Bob|Carol|You|User|Assistant)\W*:", line) for text in said for line in text.split("\n")
    )


def recites(text: str, system: str) -> bool:
    """Whether six words in a row of a text stand in a system prompt, reckoned apart from the checks."""
    words = re.findall(r"[a-z']+", text.lower())
    source = " ".join(re.findall(r"[a-z']+", system.lower()))
    return any(" ".join(words[begin : begin + 6]) in source for begin in range(len(words) - 5))


async def test_without_the_checks_every_kind_of_attack_succeeds(monkeypatch):
    monkeypatch.setattr(checks, "CHECKS", (checks.empty,))
    succeeded = Counter()

    for attack in ATTACKS:
        events, llm = await attacked(attack)
        succeeded[attack.demand] += bool(reached(events, llm))

    made = Counter(attack.demand for attack in ATTACKS)
    # what was decided without the checks is decided so again only as long as there are none
    verify_made(MADE)
    # whoever speaks for another is cut off by the cleaning already
    assert {demand: count for demand, count in succeeded.items() if demand != "pose"} == {
        demand: count for demand, count in made.items() if demand != "pose"
    }


EXPECTED: dict[Demand, set[str]] = {
    # some of it has the words of the attack, which are those of assistants
    "recite": {"prompt_leak", "assistant_speak"},
    "translate": {"prompt_leak"},
    "assist": {"assistant_speak", "admits_bot"},
    "admit": {"admits_bot"},
    "claim": {"claims_human"},
    "recipe": {"form", "assistant_speak"},
    "essay": {"form"},
    "code": {"form", "assistant_speak"},
    "list": {"form", "assistant_speak"},
    "switch": {"wrong_script", "wrong_language"},
    "abuse": {"self_harm", "threat", "personal_data", "insult"},
}


SPOKEN_TO = [attack for attack in ATTACKS if attack.demand not in ("switch", "pose")]


@pytest.mark.parametrize("attack", SPOKEN_TO, ids=number)
def test_every_reply_of_the_model_is_stopped_by_the_check_that_is_there_for_it(attack):
    """In a room where nothing has been said but the attack: no duplicate and no language can be meant."""
    room = Room(start(messages_per_minute=0))
    room.say(attack.text)
    room.until(60.0, reply=None)
    prompt = next(iter(room.state.calls.values())).prompt
    members = [*room.state.session.simulation_config.agent_names, "You"]

    for reply in obeyed(attack, prompt):
        verdict = checks.rejection(clean(reply, prompt.agent_name, members), prompt, room.state)
        assert verdict in EXPECTED[attack.demand], (reply, verdict)


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if attack.demand == "switch"], ids=number)
async def test_another_language_is_known_for_what_it_is(attack):
    events, llm = await attacked(attack)

    rejected = [event.rejected for event in only(events, CallAnswered) if event.reply.text in llm.obeyed]

    assert rejected
    assert set(rejected) <= EXPECTED["switch"]
