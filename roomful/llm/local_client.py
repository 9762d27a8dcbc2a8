"""The only module that touches xllamacpp: what llama.cpp is told, and what of its answer is kept."""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import xllamacpp

from roomful.core.inputs import Reply
from roomful.core.study import ModelSettings
from roomful.llm import LLMError
from roomful.llm.said import Said

CONTEXT = 8192
"""Tokens of one call, prompt and answer together; more takes more memory, and a chat's prompt has fewer."""

type Json = Mapping[str, object]


class _Server(Protocol):
    def handle_chat_completions(self, asked: object, take: object) -> object: ...


class LocalClient:
    """A model that is loaded. Raises RuntimeError where it cannot be."""

    def __init__(self, path: str, slots: int, key: str) -> None:
        self._server: _Server | None = xllamacpp.Server(_parameters(path, slots, key))

    def close(self) -> None:
        """Let go of the weights, once the calls that hold them are over."""
        self._server = None

    def call(self, settings: ModelSettings, name: str, system: str, text: str) -> "Call":
        """A call that is made by `run`. Raises LLMError where the model is closed."""
        if self._server is None:
            raise LLMError("connection", "The model was closed.")
        return Call(self._server, name, _asked(settings, system, text))


@dataclass
class Call:
    """One call: `run` blocks until it is over, `stop` ends it at the next token, from any thread."""

    server: _Server
    name: str
    asked: Json
    parts: list[str] = field(default_factory=list)
    usage: Json = field(default_factory=dict)
    finish_reason: str = ""
    failed: Json | None = None
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> Said:
        """What the model has said. Raises LLMError."""
        try:
            self.server.handle_chat_completions(dict(self.asked), self._take)
        except RuntimeError as error:
            raise _refused(str(error)) from error
        if self.failed is not None:
            raise _refused(str(self.failed.get("message", self.failed)))
        reply = Reply(
            text="".join(self.parts),
            model=self.name,
            input_tokens=_count(self.usage, "prompt_tokens"),
            output_tokens=_count(self.usage, "completion_tokens"),
            finish_reason=self.finish_reason,
        )
        ended: Literal["stop", "length"] = "length" if self.finish_reason == "length" else "stop"
        return Said(reply, ended)

    def stop(self) -> None:
        """Nobody waits for it any more."""
        self.stopped.set()

    def _take(self, chunk: object) -> bool:
        """Keep a piece of the answer; True ends it."""
        if isinstance(chunk, Mapping):
            self._keep(chunk)
        return self.stopped.is_set()

    def _keep(self, chunk: Json) -> None:
        if isinstance(error := chunk.get("error", chunk if "code" in chunk else None), Mapping):
            self.failed = error
        if isinstance(usage := chunk.get("usage"), Mapping):
            self.usage = usage
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            self.finish_reason = str(choice.get("finish_reason") or self.finish_reason)
            # what it thinks comes beside it, as `reasoning_content`
            self.parts.append(str(choice.get("delta", {}).get("content") or ""))


def _parameters(path: str, slots: int, key: str) -> xllamacpp.CommonParams:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = path
    parameters.n_ctx = CONTEXT * slots
    parameters.n_parallel = slots
    parameters.warmup = False
    parameters.cache_ram_mib = 0
    for threads in (parameters.cpuparams, parameters.cpuparams_batch):
        # llama.cpp's threads wait for each other by spinning: with one for each core, where the server needs one too,
        # words come up to twenty times as slowly
        threads.n_threads = max(1, (os.cpu_count() or 1) - 1)
        threads.poll = 0
    # errors alone: what it tells beside them would stand between the lines of the program's log
    parameters.verbosity = 1
    # it listens on loopback, which cannot be turned off; with a key nobody else there can use or watch it
    parameters.api_keys = [key]
    parameters.endpoint_slots = False
    parameters.ui = False
    return parameters


def _asked(settings: ModelSettings, system: str, text: str) -> Json:
    told = [{"role": "system", "content": _plain(system)}] if system else []
    sampling = {"temperature": settings.temperature, "top_p": settings.top_p}
    thinking = {} if settings.thinking_level is None else {"chat_template_kwargs": _thinking(settings.thinking_level)}
    return {
        "messages": [*told, {"role": "user", "content": _plain(text)}],
        "max_tokens": settings.max_output_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        **{name: value for name, value in sampling.items() if value is not None},
        **thinking,
    }


def _thinking(level: str) -> Json:
    # templates of models that can do without know this switch; the others pass it over
    return {"enable_thinking": level != "minimal"}


def _plain(text: str) -> str:
    # a lone surrogate, which a participant can send, is no UTF-8
    return text.encode("utf-8", "replace").decode()


def _refused(message: str) -> LLMError:
    return LLMError("bad_request", f"llama.cpp does not accept the request: {message:.300}")


def _count(usage: Json, name: str) -> int:
    count = usage.get(name)
    return count if isinstance(count, int) else 0
