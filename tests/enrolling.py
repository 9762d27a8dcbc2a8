"""A study's log in a test: inputs entered one after the other at times that the test says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from roomful.core.admission import Arrive, CreateTokens, SetUp, StudyInput, decide_study
from roomful.core.assignment import Arm, AssignmentRules, Variable
from roomful.core.enrolment import EnrolmentRules, StudyEntry, StudyEvent, Token
from roomful.core.roster import Participation, StudyState, fold_study
from roomful.study_codec import STUDY_INPUTS

NOON = 1_772_452_800.0
"""2026-03-02T12:00:00Z in seconds since the epoch."""


def hashed(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def token(name: str, **more: object) -> Token:
    return Token(**{"token": hashed(name), "label": name} | more)


def arms(*weights: float, quota: int | None = None) -> tuple[Arm, ...]:
    """Arms A, B, C … of these weights."""
    return tuple(Arm(name=chr(65 + n), weight=weight, quota=quota) for n, weight in enumerate(weights))


def rules(*weights: float, quota: int | None = None, links: Sequence[str] = (), **more: object) -> EnrolmentRules:
    """Rules with arms of these weights; what concerns assignment goes there."""
    ours = {name: more.pop(name) for name in ("method", "block_size", "seed") if name in more}
    strata = tuple(Variable(name=name, values=values) for name, values in more.pop("strata", {}).items())
    assignment = AssignmentRules(arms=arms(*weights, quota=quota), strata=strata, **ours)
    return EnrolmentRules(assignment=assignment, links=tuple(links), **more)


@dataclass
class Door:
    """Enters inputs, and keeps the entries that they led to."""

    rules: EnrolmentRules | None = None
    entries: list[StudyEntry] = field(default_factory=list)
    state: StudyState = field(default_factory=StudyState)
    now: float = NOON
    arrivals: int = 0

    def __post_init__(self) -> None:
        if self.rules:
            self.enter(SetUp(rules=self.rules))

    def enter(self, input: StudyInput, now: float | None = None) -> list[StudyEvent]:
        self.now = self.now if now is None else now
        events = decide_study(self.state, input, self.now)
        name = STUDY_INPUTS[type(input)]
        new = [
            StudyEntry(self.state.seq + n, self.now, event, name if n == 1 else None)
            for n, event in enumerate(events, 1)
        ]
        self.entries += new
        self.state = fold_study(new, self.state)
        return events

    def create(self, *names: str, **more: object) -> None:
        self.enter(CreateTokens(tokens=tuple(token(name, **more) for name in names)))

    def arrive(
        self, name: str | None = None, *, link: str | None = None, who: str | None = None, **parameters: str
    ) -> Participation:
        """Let somebody in with a token, or by a link; return their participation."""
        self.arrivals += 1
        given = hashed(name) if name else None
        arrival = Arrive(session_id=f"s{self.arrivals}", token=given, link=link, participant=who, parameters=parameters)
        self.enter(arrival)
        if f"s{self.arrivals}" in self.state.participations:
            return self.state.participations[f"s{self.arrivals}"]
        session_id = self.state.tokens[given].session_id if given else self.state.people[f"{link}:{who}"]
        return self.state.participations[session_id]
