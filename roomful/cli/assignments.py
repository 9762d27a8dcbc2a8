"""`roomful assignments`: who takes part, in which treatment, and whether the allocations are what they should be."""

import typer

from roomful.cli.enrolled import entries_of, state_of
from roomful.cli.output import plain, say, say_json, table, when
from roomful.core.audit import audit as audited
from roomful.core.roster import Participation, StudyState
from roomful.settings import ServerSettings

FAULTS_MOST = 10
"""Differences that are named."""


def list_assignments(server: ServerSettings, *, as_json: bool) -> None:
    """Show all participations in the order of arrival, then how many each treatment has."""
    state = state_of(server)
    people = sorted(state.participations.values(), key=lambda one: one.number)
    if as_json:
        say_json([_plain(state, one) for one in people])
        return
    if not people:
        say("Nobody has come in yet.")
        return
    heads = ("session", "arrived", "came by", "treatment", "stratum", "state")
    table(heads, [_row(state, one) for one in people])
    say()
    _sum_up(state, people)


def _row(state: StudyState, one: Participation) -> tuple[str, ...]:
    stratum = ", ".join(one.stratum or ())
    return (one.session_id, when(one.arrived), _way(state, one), one.treatment or "–", stratum or "–", state_word(one))


def _way(state: StudyState, one: Participation) -> str:
    if one.token:
        return f"token {plain(state.tokens[one.token].record.label)}"
    return plain(one.link) if one.link else "demo"


def state_word(one: Participation) -> str:
    """Where somebody is on their way, in a word or two."""
    word: str = one.outcome or ("in progress" if one.begun is not None else "not begun")
    word += ", place released" if one.released else ""
    return f"{word} (test)" if one.test else word


def _plain(state: StudyState, one: Participation) -> dict[str, object]:
    return {
        "session_id": one.session_id,
        "number": one.number,
        "arrived": one.arrived,
        "label": state.tokens[one.token].record.label if one.token else None,
        "link": one.link,
        "treatment": one.treatment,
        "stratum": list(one.stratum or ()),
        "begun": one.begun,
        "ended": one.ended,
        "reason": one.reason,
        "outcome": one.outcome,
        "released": one.released,
        "test": one.test,
    }


def _sum_up(state: StudyState, people: list[Participation]) -> None:
    """How many each treatment has: completed, in progress (those yet to come included), given up."""
    real = [one for one in people if not one.test]
    names = sorted({one.treatment or "–" for one in real} | {arm.name for arm in state.rules.assignment.arms})
    rows = []
    for name in names:
        mine = [one for one in real if (one.treatment or "–") == name]
        completed = sum(one.outcome == "completed" for one in mine)
        under_way = sum(one.under_way for one in mine)
        rows.append((plain(name), str(completed), str(under_way), str(len(mine) - completed - under_way)))
    if rows:
        table(("treatment", "completed", "in progress", "others"), rows, numbers={1, 2, 3})
    if tests := len(people) - len(real):
        say(f"Test runs, counted nowhere: {tests}")


def audit(server: ServerSettings) -> None:
    """Compute every allocation again. Exits with 1 where one differs."""
    found = audited(entries_of(server))
    computed = f"{found.at_the_door} allocations at the door, {found.of_tokens} of tokens, computed again from the log"
    if found.erased:
        computed += f"; {found.erased} of somebody whose data were deleted"
    if not found.faults:
        say(f"identical: {computed}")
        return
    say(f"differs: {computed}")
    for fault in found.faults[:FAULTS_MOST]:
        say(f"    {plain(fault)}")
    if len(found.faults) > FAULTS_MOST:
        say(f"    and {len(found.faults) - FAULTS_MOST} more")
    raise typer.Exit(1)
