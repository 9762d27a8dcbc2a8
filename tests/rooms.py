"""Rooms for tests: given entries, when an input comes, then events."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from roomful.core.decide import decide
from roomful.core.events import SHOWN, Entry, Event, MessagePosted
from roomful.core.inputs import Answered, Input, Rang, Reply, Say, Start
from roomful.core.state import SessionState, evolve
from roomful.core.study import ExperimentalSettings, LLMSettings, SimulationSettings

SESSION = "0c7d7c8e-52a1-4c3c-8f0e-0d8f4a1d2b3c"


def settings(**changes: Any) -> SimulationSettings:
    """A room of Alice, Bob and Carol for 15 minutes; keys of `llm` and of the settings alike can be changed."""
    llm = {key: changes.pop(key) for key in list(changes) if key in LLMSettings.__dataclass_fields__}
    room = SimulationSettings(
        num_agents=3,
        agent_names=("Alice", "Bob", "Carol"),
        messages_per_minute=4,
        user_response_probability=1,
        context_window_size=10,
        session_duration_minutes=15,
        llm=LLMSettings(**llm),
    )
    return replace(room, **changes)


def start(*, seed: int = 1, session_id: str = SESSION, name: str = "You", **changes: Any) -> Start:
    return Start(
        session_id=session_id,
        seed=seed,
        experimental=ExperimentalSettings(prompt_template="You live in a small street."),
        simulation=settings(**changes),
        participant_name=name,
        model="scripted",
    )


class Room:
    """A session without a shell: what it decides is numbered and folded at once, as the log would do it."""

    def __init__(self, first: Start | None = None) -> None:
        self.state = SessionState()
        self.entries: list[Entry] = []
        self.now = 0.0
        if first:
            self.take(first)

    def take(self, input: Input, at: float | None = None) -> list[Event]:
        """Decide an input at a time (None: now), and return the events."""
        self.now = self.now if at is None else max(self.now, at)
        events = decide(self.state, input, self.now)
        for event in events:
            shown = self.state.shown + 1 if isinstance(event, SHOWN) else None
            cause = input if event is events[0] else None
            entry = Entry(self.state.seq + 1, self.now, event, shown, cause)
            self.state = evolve(self.state, entry)
            self.entries.append(entry)
        return events

    def ring(self) -> list[Event]:
        """Let the alarm ring that is due first."""
        alarm = min(self.state.alarms, key=lambda name: (self.state.alarms[name], name))
        return self.take(Rang(alarm=alarm), self.state.alarms[alarm])

    def until(self, at: float, reply: str | None = "fine") -> list[Event]:
        """Let everything happen up to a time; each call is answered at once with `reply`, or never (None)."""
        events: list[Event] = []
        while True:
            if reply is not None and self.state.calls:
                events += self.answer(reply)
            elif self.state.next_alarm[1] <= at:
                events += self.ring()
            else:
                self.now = max(self.now, at)
                return events

    def answer(self, text: str, at: float | None = None, **about: Any) -> list[Event]:
        """Answer the oldest call."""
        return self.take(Answered(call_id=next(iter(self.state.calls)), reply=reply(text, **about)), at)

    def say(self, content: str, at: float | None = None, client_id: str | None = None, **about: Any) -> list[Event]:
        return self.take(Say(content=content, client_id=client_id, **about), at)


def reply(text: str, **about: Any) -> Reply:
    return Reply(text=text, model="scripted", **about)


def only[E](events: Iterable[Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def texts(events: Iterable[Event]) -> list[str]:
    return [event.content for event in only(events, MessagePosted)]


def salts() -> Callable[[], str]:
    """Salts that are the same in every run."""
    numbers = count(1)
    return lambda: f"{next(numbers):032x}"


def happened(entries: Sequence[Entry]) -> list[Event]:
    return [entry.event for entry in entries]
