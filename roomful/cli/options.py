"""Options that several commands have, and the settings that come of them."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from roomful.settings import ServerSettings

Study = Annotated[Path | None, typer.Option(help="Folder of the study's files.  [default: ROOMFUL_STUDY or config]")]
Data = Annotated[Path | None, typer.Option(help="Folder of the database.  [default: ROOMFUL_DATA or data]")]
Logs = Annotated[Path | None, typer.Option(help="Folder of the sessions' logs.  [default: ROOMFUL_LOGS or logs]")]


class Speaker(StrEnum):
    """Who speaks for the agents in a rehearsal."""

    SCRIPTED = "scripted"
    CONFIGURED = "configured"


AsJson = Annotated[bool, typer.Option("--json", help="JSON for programs.")]


def server_settings(**options: object) -> "ServerSettings":
    """The server's settings with the options that are given. Raises SettingsError."""
    from roomful.settings import load_server_settings

    given = {name: value for name, value in options.items() if value is not None}
    changed: Callable[..., ServerSettings] = replace
    return changed(load_server_settings(), **given)
