"""Sessions held for the sake of being measured: the engine in simulated time, scripted agents, nobody else.

The participant comes in and says nothing. A stand-in's own messages would be part of what is measured, and whatever
rhythm it had would be one that somebody made up; so the room has as many agents as a group of the corpus has people.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from roomful.core import CORE_VERSION
from roomful.core.chance import choose, derive, draw, identifier
from roomful.core.inputs import Connect, Start
from roomful.core.study import ExperimentalSettings, SimulationSettings
from roomful.core.timing import PLAIN, TIMINGS, VARIED, Preset
from roomful.llm.scripted import Scripted
from roomful.log import SessionLog
from roomful.realism.measures import Post
from roomful.realism.rooms import posts_of_lines
from roomful.session import SimulationSession
from roomful.store import Store
from roomful.store.memory import MemoryStore
from roomful.timeline import SimulatedTimeline, simulated_loop

NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gwen", "Hugo", "Iris", "Jon", "Kim", "Lena")
PEOPLE_MOST = len(NAMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What sessions to hold: by default such as DeliData's in people and length.

    It has 500 groups of 2 to 5 people and 14 thousand messages, 28 a session (Karadzhov et al. 2023); each size comes
    equally often here. How long its sessions last it does not tell: 28 messages are taken to need 7 minutes, four a
    minute, at the short end of the 5 to 20 minutes of the sessions that the statistics are of.
    """

    sessions: int
    preset: Preset = "attentive"
    """How agents keep time, and with it how they write."""
    people: tuple[int, int] = (2, 5)
    """The least and the most of them in a room."""
    minutes: float = 7.0
    rate: float = 4.0
    """Messages a minute of all of them together."""
    seed: int = 1


def rehearsed(rooms: Rooms) -> list[list[Post]]:
    """Hold the sessions, and return the messages of each. Uses an event loop of its own."""
    with asyncio.Runner(loop_factory=simulated_loop) as runner:
        return [posts_of_lines(runner.run(held(start, MemoryStore()))) for start in starts(rooms)]


def starts(rooms: Rooms) -> Iterator[Start]:
    """What each of the sessions starts with."""
    least, most = rooms.people
    for number in range(rooms.sessions):
        names = NAMES[: choose(range(least, most + 1), draw(rooms.seed, "people", number))]
        yield Start(
            session_id=identifier(rooms.seed, "realism", number),
            seed=derive(rooms.seed, "realism", number),
            experimental=ExperimentalSettings(prompt_template="You chat with the others in this group."),
            simulation=SimulationSettings(
                num_agents=len(names),
                agent_names=names,
                messages_per_minute=rooms.rate,
                user_response_probability=0.0,
                context_window_size=20,
                session_duration_minutes=rooms.minutes,
                timing=TIMINGS[rooms.preset],
                speech=PLAIN if rooms.preset == "seed" else VARIED,
            ),
            participant_name="You",
            model="scripted",
            versions={"core": str(CORE_VERSION)},
        )


async def held(start: Start, store: Store) -> list[str]:
    """Hold a session in which nobody but the agents speaks, and return its lines, which the store keeps."""
    await store.reserve(start.session_id, 0.0, "{}")
    row = await store.claim(start.session_id)
    log = await SessionLog.open(store, start.session_id, row.epoch, 0, lambda: "00" * 16)
    session = SimulationSession(log, Scripted(), SimulatedTimeline())
    session.put(start, 0)
    session.put(Connect(protocol=2), 0)
    await session.run()
    return [line.text for line in await store.read(start.session_id)]
