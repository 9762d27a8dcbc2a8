"""Where a participant is: on a page before the chat, in the chat, on a page after it, or through; and until when."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from roomful.core.enrolment import EnrolmentRules, outcome_of
from roomful.core.pages import BEFORE, PageRules
from roomful.core.roster import Participation

type Place = PageRules | Literal["chat", "over"]

GRACE = 5.0
"""Seconds by which a form may come after its time: who sends it with the last tick cannot help the network.
Set by us."""


def place_of(pages: Sequence[PageRules], known: Participation) -> Place:
    """Where somebody belongs, wherever they come from."""
    if known.ended is not None:
        return next(left_after(pages, known), None) or "over"
    if known.outcome is not None or known.erased:
        return "over"
    # whoever has begun stays in the chat, be it that a page was added meanwhile
    return next(left_before(pages, known), None) or "chat"


def time_left(rules: EnrolmentRules, known: Participation, now: float) -> float | None:
    """Seconds that somebody has left for the page where they are, below 0 when it is too late; None: any number."""
    place = place_of(rules.pages, known)
    if not isinstance(place, PageRules):
        return None
    ends = []
    if place.time_limit is not None and place.name in known.shown:
        ends.append(known.shown[place.name] + place.time_limit)
    if rules.before_chat is not None and place.role in BEFORE:
        ends.append(known.arrived + rules.before_chat)
    return min(ends) - now if ends else None


def is_too_late(rules: EnrolmentRules, known: Participation, now: float) -> bool:
    """Whether somebody has been where they are for longer than they may."""
    left = time_left(rules, known, now)
    return left is not None and left < -GRACE


def left_before(pages: Iterable[PageRules], known: Participation) -> Iterator[PageRules]:
    """The pages that lie between somebody and the chat."""
    return iter([page for page in _left(pages, known) if page.role in BEFORE] if known.begun is None else ())


def left_after(pages: Iterable[PageRules], known: Participation) -> Iterator[PageRules]:
    """The pages that follow the chat: questions for those whose chat ran its time, and for everybody the debriefing."""
    asked = known.outcome is None and not known.erased and outcome_of(known.reason or "") == "completed"
    return (page for page in _left(pages, known) if page.role == "debrief" or (page.role == "after" and asked))


def _left(pages: Iterable[PageRules], known: Participation) -> Iterator[PageRules]:
    return (page for page in pages if page.name not in known.done)
