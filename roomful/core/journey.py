"""Where a participant is: on a page before the chat, in the chat, on a page after it, or through."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from roomful.core.enrolment import outcome_of
from roomful.core.pages import BEFORE, PageRules
from roomful.core.roster import Participation

type Place = PageRules | Literal["chat", "over"]


def place_of(pages: Sequence[PageRules], known: Participation) -> Place:
    """Where somebody belongs, wherever they come from."""
    if known.ended is not None:
        return next(left_after(pages, known), None) or "over"
    if known.outcome is not None or known.erased:
        return "over"
    # whoever has begun stays in the chat, be it that a page was added meanwhile
    return next(left_before(pages, known), None) or "chat"


def left_before(pages: Iterable[PageRules], known: Participation) -> Iterator[PageRules]:
    """The pages that lie between somebody and the chat."""
    return iter([page for page in _left(pages, known) if page.role in BEFORE] if known.begun is None else ())


def left_after(pages: Iterable[PageRules], known: Participation) -> Iterator[PageRules]:
    """The pages that follow the chat: questions for those whose chat ran its time, and for everybody the debriefing."""
    asked = known.outcome is None and not known.erased and outcome_of(known.reason or "") == "completed"
    return (page for page in _left(pages, known) if page.role == "debrief" or (page.role == "after" and asked))


def _left(pages: Iterable[PageRules], known: Participation) -> Iterator[PageRules]:
    return (page for page in pages if page.name not in known.done)
