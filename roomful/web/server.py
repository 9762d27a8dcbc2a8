"""What the routes share: the host, its limits, who is counted."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roomful.enrolment import Enrolment
from roomful.enrolment_settings import EntryLink
from roomful.host import Host
from roomful.llm.budget import Budget
from roomful.llm.watch import Watch
from roomful.settings import ServerSettings
from roomful.web.access import Starts
from roomful.web.health import Health
from roomful.web.socket import Limits

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

    def allows_origin(self, origin: str) -> bool:
        """Whether pages of this origin may call, beside our own."""
        return re.fullmatch(self.settings.origin_pattern, origin) is not None
