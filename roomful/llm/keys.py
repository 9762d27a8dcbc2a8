"""What lets this process in at the providers."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """A key for each provider that wants one; empty where there is none. Never shown."""

    gemini: str = field(default="", repr=False)
    openai: str = field(default="", repr=False)
    anthropic: str = field(default="", repr=False)
    mistral: str = field(default="", repr=False)
    local: str = field(default="", repr=False)
    """What keeps others of this machine from a model in the process; any long secret."""

    def of(self, provider: str | None) -> str:
        """The key for a provider of the settings; empty for those that want none."""
        found: object = getattr(self, provider or "gemini", "")
        return found if isinstance(found, str) else ""
