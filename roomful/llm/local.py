"""A model in the process of the server: llama.cpp through xllamacpp, and no network.

It runs in threads of its own, at most `SLOTS` calls at a time. A call that is cancelled or out of time ends at the next
token; while its prompt is being read it cannot be broken off, and its thread is busy until then. The weights are read
at the first call and kept. What goes wrong has the kinds of `roomful.llm.gemini`; most of them cannot happen here.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from roomful.core.events import Prompt
from roomful.core.inputs import Reply
from roomful.core.study import ModelSettings, name_of
from roomful.llm import LLMError
from roomful.llm.said import Said, usable

if TYPE_CHECKING:
    from roomful.llm.local_client import Call, LocalClient

SLOTS = 2
"""Calls that are worked on at a time; they share the processor."""

HOW_TO_INSTALL = "pip install 'roomful[local]'"


def unusable(model_path: str) -> str | None:
    """The sentence that says why a model cannot be run here; None where nothing is known against it."""
    if find_spec("xllamacpp") is None:
        return f"What runs models in the server is not installed: {HOW_TO_INSTALL}"
    path = Path(model_path).expanduser()
    return None if path.is_file() else f"llm.model_path names no file: {path.absolute()}"


class Engine:
    """The weights of one file, read when first needed, and the threads that work with them.

    `key` closes the port that llama.cpp opens on loopback, which nobody is to use.
    """

    def __init__(self, model_path: str, key: str) -> None:
        self._path = model_path
        self._key = key
        self._client: LocalClient | None = None
        self._loading = asyncio.Lock()
        self._threads = ThreadPoolExecutor(SLOTS, "local-model")

    async def loaded(self) -> "LocalClient":
        """The model, ready to be asked. Raises LLMError."""
        # held while the weights are read, so that they are in memory once
        async with self._loading:
            if self._client is None:
                self._client = await asyncio.to_thread(_loaded, self._path, self._key)
            return self._client

    async def run(self, call: "Call") -> Said:
        """What comes of a call that is made in a thread."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call.run)
        finally:
            # where nobody waits any more, the thread is soon free for the next one
            call.stop()

    async def close(self) -> None:
        """Let go of the weights once the calls under way are over, which is soon."""
        client, self._client = self._client, None
        self._threads.shutdown(wait=False, cancel_futures=True)
        if client:
            # a thread, because llama.cpp waits there for its own
            await asyncio.to_thread(client.close)


class Local:
    """An LLM: one way to ask the model of an engine. `clock` is in seconds."""

    def __init__(self, settings: ModelSettings, engine: Engine, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._engine = engine
        self._clock = clock

    async def __call__(self, prompt: Prompt) -> Reply:
        """Ask once. Raises LLMError."""
        client = await self._engine.loaded()
        asked = self._clock()
        call = client.call(self._settings, name_of(self._settings), prompt.system, prompt.text)
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                said = await self._engine.run(call)
        except TimeoutError as error:
            message = f"No whole answer within {self._settings.timeout_seconds:g} s."
            raise LLMError("timeout", message, retryable=True) from error
        return usable(replace(said, reply=replace(said.reply, latency=self._clock() - asked)))

    async def close(self) -> None:
        """Close the engine, also for whoever shares it."""
        await self._engine.close()


def _loaded(path: str, key: str) -> "LocalClient":
    if reason := unusable(path):
        raise LLMError("not_installed", reason)
    from roomful.llm.local_client import LocalClient

    try:
        return LocalClient(str(Path(path).expanduser()), SLOTS, key)
    except RuntimeError as error:
        raise LLMError("unknown_model", f"llama.cpp cannot load {path}: {error}") from error
