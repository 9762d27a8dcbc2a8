"""A whole study with stand-ins: let in, assigned, asked on pages, in the room, and out again, in simulated time."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from roomful import __version__
from roomful.core import CORE_VERSION
from roomful.core.admission import Arrive, Begin, EndChat, FillPage, SetUp, ShowPage
from roomful.core.assignment import AssignmentRules
from roomful.core.cards import range_of
from roomful.core.chance import choose, derive, identifier
from roomful.core.enrolment import EnrolmentRules
from roomful.core.events import Entry
from roomful.core.inputs import Start
from roomful.core.journey import place_of
from roomful.core.pages import Page, PageRules, fill
from roomful.core.roster import Participation
from roomful.core.study import Stances, Treatment, treatment_of
from roomful.enrolment import CREATED, REHEARSAL, Enrolment
from roomful.llm import LLM
from roomful.realism import Post
from roomful.rehearsal.answers import Chance, chance_of, entered, variables
from roomful.rehearsal.likeness import ROOMS_MOST, agents_posts
from roomful.rehearsal.prices import Prices, Purse
from roomful.rehearsal.speaking import paid
from roomful.rehearsal.stage import BROKEN_OFF, Stage
from roomful.rehearsal.standins import Stay, drawn_kind, moves
from roomful.rehearsal.summary import Cell, Heard, Line, Sample, bubbles, cells_of, line_of, summed_up
from roomful.settings import ASK, StudySettings
from roomful.store import STUDY, Store, StoreError
from roomful.store import Line as StoredLine
from roomful.store.memory import MemoryStore
from roomful.timeline import sleep

BEGAN = 946_684_800_000_000
"""When a rehearsal takes place: from 2000-01-01 on, so that nobody takes its times for those of people."""

LINK = "rehearsal"
"""The way in for stand-ins."""

NAMES = ("Robin", "Kim", "Sam")
"""What stand-ins are called where participants choose."""

SAMPLES = 3
LINES_MOST = 24
"""Sessions whose messages are shown over time."""

_BETWEEN = 60_000_000
"""Microseconds from one's way out until the next comes in."""

type OnSession = Callable[[Heard], None]
"""Told of each session that is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is rehearsed: so many participations in these treatments, by stand-ins of these kinds (or `mixed`).

    `model` is its name in the logs; `at_once` sessions are under way at a time.
    """

    study: StudySettings
    treatments: tuple[Treatment, ...]
    kinds: tuple[str, ...]
    sessions: int
    seed: int
    model: str
    at_once: int = 1


@dataclass(kw_only=True)
class Findings:
    """What came of it: a cell for every treatment of the study."""

    plan: Plan
    prices: Prices | None
    cells: dict[str, Cell]
    begun: int = 0
    """Participations that were begun; fewer than planned where the budget did not bear more."""
    kept_out: Counter[str] = field(default_factory=Counter)
    """Outcomes of those who did not come to the chat."""
    stuck: Counter[str] = field(default_factory=Counter)
    """Pages that stand-ins could not fill in."""
    samples: list[Sample] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    rooms: list[list[Post]] = field(default_factory=list)
    """Agents' messages in chats that were not broken off."""
    spent: float = 0.0
    expected: float = 0.0
    over_budget: bool = False

    @property
    def sessions(self) -> int:
        """How many chats there were."""
        return sum(cell.sessions for cell in self.cells.values())


class Keeper:
    """Copies what is over into a database of its own, which is marked: no server runs on it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._told = 0

    async def open(self) -> None:
        """Mark the database. Raises StoreError, and ValueError where something is in it."""
        await self._store.reserve(STUDY, CREATED, REHEARSAL)

    async def keep(self, session_id: str, created: float, lines: Sequence[StoredLine]) -> None:
        """Keep a session's lines. Raises StoreError."""
        await self._store.reserve(session_id, created, "{}")
        row = await self._store.claim(session_id)
        await self._store.append(session_id, row.epoch, lines)

    async def tell(self, study: Store) -> None:
        """Keep what the study's log has more. Raises StoreError."""
        lines = await study.read(STUDY, self._told)
        self._told += len(lines)
        await self._store.append(STUDY, 0, lines)


def chosen(treatments: Sequence[Treatment], names: Sequence[str]) -> tuple[Treatment, ...]:
    """The treatments of these names, all without any; those that only tokens lead to are as likely as others.

    Raises KeyError.
    """
    if not names:
        return tuple(treatments)
    found = [treatment_of(treatments, name) for name in dict.fromkeys(names)]
    return tuple(replace(treatment, weight=treatment.weight or 1.0) for treatment in found)


def rules_for(plan: Plan) -> EnrolmentRules:
    """The study's rules, with a way in for stand-ins: at any time, as many as are asked for."""
    rules = plan.study.rules
    whole = len(plan.treatments) == len(plan.study.treatments)
    weights = {treatment.name: treatment.weight for treatment in plan.treatments}
    assignment: AssignmentRules = replace(
        rules.assignment,
        arms=tuple(
            replace(arm, weight=weights[arm.name], quota=None) for arm in rules.assignment.arms if arm.name in weights
        ),
        # a block of the whole study may not hold the weights of a part of it
        block_size=rules.assignment.block_size if whole else None,
        seed=plan.seed,
    )
    return replace(rules, assignment=assignment, links=(LINK,), repeat=True, opens=None, closes=None, max_live=None)


class Rehearsal:
    """Runs a plan. A session that the purse cannot pay is not begun; those under way end when it is empty."""

    def __init__(
        self,
        plan: Plan,
        llm: LLM,
        purse: Purse,
        *,
        keeper: Keeper | None = None,
        on_session: OnSession | None = None,
    ) -> None:
        self._plan = plan
        self._purse = purse
        self._keeper = keeper
        self._on_session = on_session
        salts = count(1)
        # nothing is secret here, and the same seed gives the same logs
        self._salt = lambda: f"{next(salts):032x}"
        self._wall = BEGAN
        self._study_log = MemoryStore()
        self._enrolment = Enrolment(self._study_log, clock=lambda: self._wall, salt=self._salt)
        self._stage = Stage(paid(llm, purse), self._salt, lambda: purse.empty, written=keeper is not None)
        self._pages: Mapping[str, Page] = {page.name: page for page in plan.study.pages}
        arms = (treatment.experimental.stances for treatment in plan.study.treatments)
        self._stances: Mapping[str, Stances] = {stances.question: stances for stances in arms if stances}
        self._findings = Findings(
            plan=plan, prices=purse.prices, cells=cells_of(plan.study.treatments, plan.treatments)
        )
        self._spare: list[Sample] = []

    async def run(self) -> Findings:
        """Rehearse until all sessions are over, or the budget bears no more. Raises StoreError."""
        if self._keeper:
            await self._keeper.open()
        await self._enrolment.open()
        await self._enrolment.submit(SetUp(rules=rules_for(self._plan)))
        numbers = iter(range(1, self._plan.sessions + 1))
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(min(self._plan.at_once, self._plan.sessions)):
                    tasks.create_task(self._work(numbers))
        except* StoreError as group:
            fault = group.exceptions[0]
            raise StoreError(*fault.args) from fault
        found = self._findings
        found.spent, found.expected, found.over_budget = self._purse.spent, self._purse.expected, self._purse.refused
        found.samples = sorted((found.samples + self._spare)[:SAMPLES], key=lambda sample: sample.number)
        return found

    async def _work(self, numbers: Iterator[int]) -> None:
        while not self._purse.empty and self._purse.begin():
            number = next(numbers, None)
            if number is None:
                return
            self._findings.begun += 1
            heard = await self._participate(number)
            self._purse.end(heard.cost if heard else 0.0)
            if self._keeper:
                await self._keeper.tell(self._study_log)
            if heard and self._on_session:
                self._on_session(heard)
            # a session of scripted agents takes no turn of the loop: without one here Ctrl-C would wait for the last
            await sleep(0)

    async def _participate(self, number: int) -> Heard | None:
        """One participation from the door to the way out; None where it did not come to the chat."""
        session_id = identifier(self._plan.seed, "rehearsal", number)
        seed = derive(self._plan.seed, session_id)
        chance = chance_of(seed)
        asked = [name for page in self._pages.values() for name in page.asks]
        strata = variables(self._plan.study.rules.assignment.strata, asked, chance)
        await self._enrolment.arrive(
            Arrive(session_id=session_id, link=LINK, participant=f"stand-in {number}", parameters=strata)
        )
        known = await self._through_pages(session_id, chance)
        if place_of(self._enrolment.state.rules.pages, known) != "chat":
            self._findings.kept_out[known.outcome or "stuck"] += 1
            return None
        await self._enrolment.submit(Begin(session_id=session_id))
        heard, entries = await self._chat(number, known, seed, chance)
        await self._enrolment.submit(EndChat(session_id=session_id, reason=heard.reason))
        known = await self._through_pages(session_id, chance)
        heard.outcome = known.outcome or "stuck"
        self._wall += _BETWEEN
        self._take(heard, entries)
        return heard

    async def _through_pages(self, session_id: str, chance: Chance) -> Participation:
        """Fill in the pages that lie before somebody, until there is none, or one that cannot be filled in."""
        enrolment = self._enrolment
        while True:
            known = enrolment.state.participations[session_id]
            place = place_of(enrolment.state.rules.pages, known)
            if not isinstance(place, PageRules):
                return known
            page = self._pages[place.name]
            await enrolment.submit(ShowPage(session_id=session_id, page=page.name))
            filled = fill(page, entered(page, chance))
            if filled.problems:
                self._findings.stuck[page.name] += 1
                return known
            await enrolment.submit(
                FillPage(
                    session_id=session_id,
                    page=page.name,
                    answers=filled.answers,
                    missed=filled.missed,
                    screened=filled.screened,
                    attempt=known.missed.get(page.name, 0) + 1,
                    agreed=True if page.role == "consent" or page.data_consent else None,
                )
            )

    async def _chat(
        self, number: int, known: Participation, seed: int, chance: Chance
    ) -> tuple[Heard, Sequence[Entry]]:
        treatment = treatment_of(self._plan.treatments, known.treatment or "")
        simulation = treatment.simulation
        kind = drawn_kind(self._plan.kinds, seed)
        stay = Stay(seed, simulation.session_duration_minutes * 60, simulation.reconnect_grace_seconds)
        start = self._start(known, seed, treatment, kind, chance)
        began = self._wall
        entries, lines, crash = await self._stage.play(start, began, moves(kind, stay))
        heard = Heard(number=number, session_id=known.session_id, treatment=treatment.name, kind=kind)
        summed_up(heard, entries, self._purse.prices)
        if crash:
            heard.reason, heard.crash = "error", crash
        heard.cut = heard.reason == BROKEN_OFF and self._purse.empty
        # sessions side by side end in any order, and time in the study's log never runs backwards
        self._wall = max(self._wall, began + round(heard.seconds * 1e6))
        if self._keeper:
            await self._keeper.keep(known.session_id, began / 1e6, lines)
        return heard, entries

    def _start(self, known: Participation, seed: int, treatment: Treatment, kind: str, chance: Chance) -> Start:
        simulation = treatment.simulation
        free = (name for name in NAMES if name not in simulation.agent_names)
        name = next(free, "Guest") if simulation.participant_name == ASK else simulation.participant_name
        answers = {
            question: known.answers.get(question) or _possible(stances, chance)
            for question, stances in sorted(self._stances.items())
        }
        return Start(
            session_id=known.session_id,
            seed=seed,
            experimental=treatment.experimental,
            simulation=simulation,
            participant_name=name,
            model=self._plan.model,
            versions={"roomful": __version__, "core": str(CORE_VERSION)},
            treatment=treatment.name or None,
            levels=treatment.levels,
            answers=answers,
            rehearsal=kind,
        )

    def _take(self, heard: Heard, entries: Sequence[Entry]) -> None:
        found = self._findings
        cell = found.cells[heard.treatment]
        cell.add(heard)
        drawn = sum(line.treatment == heard.treatment for line in found.lines)
        if len(found.lines) < LINES_MOST and drawn < max(LINES_MOST // len(self._plan.treatments), 1):
            found.lines.append(line_of(heard, entries))
        if len(found.rooms) < ROOMS_MOST and not heard.cut:
            found.rooms.append(agents_posts(entries))
        self._sample(heard, entries)

    def _sample(self, heard: Heard, entries: Sequence[Entry]) -> None:
        """Keep a session as its participant saw it: of each treatment the first in which they spoke, as far as it goes.

        Where there are fewer treatments than samples, other kinds of stand-ins are spare.
        """
        samples, spare = self._findings.samples, self._spare
        if not heard.said or heard.cut or len(samples) == SAMPLES:
            return
        new = all(sample.treatment != heard.treatment for sample in samples)
        if not new and (len(spare) == SAMPLES or any(each.kind == heard.kind for each in samples + spare)):
            return
        sample = Sample(
            number=heard.number,
            session_id=heard.session_id,
            treatment=heard.treatment,
            kind=heard.kind,
            reason=heard.reason,
            outcome=heard.outcome,
            bubbles=bubbles(entries),
        )
        (samples if new else spare).append(sample)


def _possible(stances: Stances, chance: Chance) -> str:
    """An answer to a question that no page asks, such as one that the program which starts sessions brings along."""
    answers = [answer for position in stances.positions for answer in position.answers]
    answer = choose(answers, chance("stances", stances.question))
    ends = range_of(answer)
    if ends is None:
        return answer
    return str(int(ends[0] + chance("within", stances.question) * (ends[1] - ends[0] + 1)))
