"""What the routes share: the host, its limits, who is counted."""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from roomful.core.enrolment import outcome_of
from roomful.core.study import IN_DISTRESS, SimulationSettings
from roomful.enrolment import Enrolment
from roomful.enrolment_settings import EntryLink
from roomful.host import Host
from roomful.llm.budget import Budget
from roomful.llm.watch import Watch
from roomful.outcomes import WayOut, WaysOut
from roomful.settings import ServerSettings
from roomful.web.access import Starts
from roomful.web.health import Health
from roomful.web.socket import Limits
from roomful.web.views import end_text, plainly

if TYPE_CHECKING:
    from roomful.web.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, as its routes see it."""

    settings: ServerSettings
    host: Host
    enrolment: Enrolment
    entry: tuple[EntryLink, ...]
    """The links that are open, in their order in the study's file."""
    ways_out: WaysOut
    has_pages: bool
    """Whether there are pages around the chat."""
    pages_follow: bool
    """Whether some of them come after it."""
    silent_script: bool
    """Whether agents are scripted because nothing else was said: no participant may meet them."""
    limits: Limits
    health: Health
    starts: Starts
    budget: Budget
    watch: Watch
    metrics: "Metrics | None"

    def after_chat(self, session_id: str, reason: str, settings: SimulationSettings) -> WayOut:
        """Where a chat leads that ended for this reason: to the pages that follow, else out."""
        if self.pages_follow:
            return WayOut(end_text(reason, settings), None, f"session/{session_id}")
        way = self.way_out(session_id, reason)
        if way is None:
            return plainly(reason, settings)
        # whom to turn to comes before anything else that an end may say
        return replace(way, text=end_text(reason, settings)) if reason == IN_DISTRESS else way

    def way_out(self, session_id: str, reason: str) -> WayOut | None:
        """The way out of a participation whose chat ended for this reason; None where the study declares none."""
        known = self.enrolment.state.participations.get(session_id)
        outcome = (known and known.outcome) or outcome_of(reason)
        brought = {**known.parameters, "PARTICIPANT": known.participant or ""} if known else {}
        return self.ways_out.way_out(outcome, {**brought, "SESSION": session_id})

    def allows_origin(self, origin: str) -> bool:
        """Whether pages of this origin may call, beside our own."""
        return re.fullmatch(self.settings.origin_pattern, origin) is not None
