"""OpenAI and all that speak its protocol, Anthropic and Mistral: one call is one request, as with Gemini.

What goes wrong has the kinds of `roomful.llm.gemini`. The clients are an extra of the installation (`providers`).
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from roomful.core.events import Prompt
from roomful.core.inputs import Reply
from roomful.core.study import ModelSettings
from roomful.llm import LLMError
from roomful.llm.said import usable

if TYPE_CHECKING:
    from roomful.llm.direct_client import DirectClient

DIRECT = {"openai": "openai", "anthropic": "anthropic", "mistral": "mistralai"}
"""The providers of this module, each with the package that its client is in."""

HOW_TO_INSTALL = "pip install 'roomful[providers]'"


def not_installed(provider: str) -> str | None:
    """The sentence that says what is to be installed for a provider; None where it is there."""
    if all(map(find_spec, ("pydantic_ai", DIRECT[provider]))):
        return None
    return f"The client for {provider} is not installed: {HOW_TO_INSTALL}"


class Direct:
    """An LLM. `clock` is in seconds; `api_key` may be empty where the server of `settings.base_url` asks for none."""

    def __init__(self, settings: ModelSettings, api_key: str, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._api_key = api_key
        self._clock = clock
        self._client: DirectClient | None = None
        self._connecting = asyncio.Lock()

    async def __call__(self, prompt: Prompt) -> Reply:
        """Ask once. Raises LLMError."""
        client = self._client or await self._connect()
        asked = self._clock()
        said = await client.ask(prompt.system, prompt.text)
        return usable(replace(said, reply=replace(said.reply, latency=self._clock() - asked)))

    async def close(self) -> None:
        """Close the connections; calls under way fail."""
        client, self._client = self._client, None
        if client:
            await client.close()

    async def _connect(self) -> "DirectClient":
        # held while the client is made, so that there is one of them
        async with self._connecting:
            if self._client is None:
                # a thread, because the import takes 1 to 2 s in which the loop has other sessions to serve
                self._client = await asyncio.to_thread(_made, self._settings, self._api_key)
            return self._client


def _made(settings: ModelSettings, api_key: str) -> "DirectClient":
    if missing := not_installed(settings.provider or ""):
        raise LLMError("not_installed", missing)
    from roomful.llm.direct_client import DirectClient

    return DirectClient(settings, api_key)
