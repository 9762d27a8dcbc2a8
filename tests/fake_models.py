"""Small servers on loopback that speak and fail like OpenAI (and Ollama, vLLM …), Anthropic and Mistral.

They take connections and plans from `FakeGemini`: `async with FakeOpenAI(plan=["429-retry-after", "ok"]) as server: …`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

from tests.fake_gemini import Answer, Asked, FakeGemini, Json

type Make = Callable[[Asked, str], Answer]

WRONG_KEY = "sk-live-0123456789abcdef"
"""What a provider echoes of a key that it does not accept."""


def _json(body: Json, status: int = 200, headers: tuple[str, ...] = ()) -> Answer:
    return Answer(json.dumps(body).encode(), status, headers=headers)


class AskedChat(Asked):
    """A request whose conversation is in `messages`, as all three have it."""

    @property
    def model(self) -> str:
        return str(self.body["model"])

    @property
    def text(self) -> str:
        messages = cast("Sequence[Json]", self.body["messages"])
        return "".join(_text(message["content"]) for message in messages if message["role"] == "user")

    @property
    def system(self) -> str:
        messages = cast("Sequence[Json]", self.body["messages"])
        told = [_text(message["content"]) for message in messages if message["role"] == "system"]
        return _text(self.body["system"]) if "system" in self.body else "".join(told)


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text", "")) for part in cast("Sequence[Json]", content))


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a provider writes an answer and an error; what goes wrong beneath that is the same for all."""

    path: str
    generated: Callable[..., Answer]
    """Of the request and the text, with `ended` (stop, length, filter) and `thoughts` in tokens."""
    failed: Callable[..., Answer]
    """Of a status, a kind and a message, with headers."""
    answers: Mapping[str, Make]
    """What only this one says."""

    def make(self, name: str, asked: Asked, text: str) -> Answer:
        """The answer of this name."""
        return {**self._common(), **self.answers}[name](asked, text)

    def _common(self) -> Mapping[str, Make]:
        said, failed = self.generated, self.failed
        later = ("Date: Sun, 22 Nov 2026 10:00:00 GMT", "Retry-After: Sun, 22 Nov 2026 10:00:07 GMT")
        return {
            "ok": said,
            "echo": lambda asked, _: said(asked, asked.text),
            "echo-system": lambda asked, _: said(asked, asked.system),
            "with-thoughts": lambda asked, text: said(asked, text, thoughts=9),
            "blank": lambda asked, _: said(asked, " \n"),
            "no-text": lambda asked, _: said(asked, None),
            "max-tokens": lambda asked, text: said(asked, text, ended="length"),
            "thought-away": lambda asked, _: said(asked, None, ended="length", thoughts=1020),
            "429": lambda *_: failed(429, "rate_limit_error", "Rate limit reached."),
            "429-retry-after": lambda *_: failed(429, "rate_limit_error", "Rate limit reached.", ("Retry-After: 3",)),
            "429-retry-date": lambda *_: failed(429, "rate_limit_error", "Rate limit reached.", later),
            "500": lambda *_: failed(500, "api_error", "The server had an error."),
            "503": lambda *_: failed(503, "overloaded_error", "The engine is overloaded.", ("Retry-After: 4",)),
            "400": lambda *_: failed(400, "invalid_request_error", "max_tokens is too large: 99999."),
            "401": lambda *_: failed(401, "authentication_error", f"Incorrect API key provided: {WRONG_KEY}."),
            "403": lambda *_: failed(403, "permission_error", "Your key may not use this model."),
            "404": lambda asked, _: failed(404, "not_found_error", f"model {asked.model!r} not found"),
            "reset": lambda *_: Answer(b"", ending="reset"),
            "cut-off": lambda asked, text: Answer(said(asked, text).body, ending="cut"),
            "malformed": lambda asked, text: Answer(said(asked, text).body[:-20]),
            "not-utf-8": lambda *_: Answer(b'{"choices": "\xff\xfe"}'),
            "not-an-object": lambda *_: Answer(b"[1, 2, 3]"),
            "another-object": lambda *_: _json({"hello": "world"}),
            "html": lambda *_: Answer(b"<html><h1>502 Bad Gateway</h1></html>", 502, "text/html"),
            "html-as-json": lambda *_: Answer(b"<html><h1>Please log in</h1></html>"),
            "html-200": lambda *_: Answer(b"<html>Please log in to the network</html>", 200, "text/html"),
        }


def _usage(asked: Asked, text: str | None) -> tuple[int, int]:
    return len(asked.text) // 4, len(text or "") // 4


def _completed(asked: Asked, text: str | None, *, ended: str = "stop", thoughts: int = 0, **message: object) -> Answer:
    """An answer of chat completions, as OpenAI and those who speak like it send it."""
    read, said = _usage(asked, text)
    finish = {"filter": "content_filter"}.get(ended, ended)
    return _json(
        {
            "id": f"chatcmpl-{asked.number}",
            "object": "chat.completion",
            "created": 1795341600,
            "model": f"{asked.body['model']}-001",
            "choices": [
                {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
            ],
            "usage": {
                "prompt_tokens": read,
                "completion_tokens": said + thoughts,
                "total_tokens": read + said + thoughts,
                "completion_tokens_details": {"reasoning_tokens": thoughts},
            },
        }
    )


def _openai_error(
    status: int, kind: str, message: str, headers: tuple[str, ...] = (), code: str | None = None
) -> Answer:
    error = {"message": message, "type": kind, "param": None, "code": code}
    return _json({"error": error}, status=status, headers=headers)


OPENAI = Dialect(
    "/v1/chat/completions",
    _completed,
    _openai_error,
    {
        "unsafe": lambda asked, _: _completed(asked, None, ended="filter"),
        "refused": lambda asked, _: _completed(asked, None, refusal="I can't help with that."),
        "blocked": lambda *_: _openai_error(400, "invalid_request_error", "Blocked.", code="content_filter"),
        "no-choices": lambda asked, _: _json({**json.loads(_completed(asked, "").body), "choices": []}),
        "thinks-aloud": lambda asked, text: _completed(asked, f"<think>She has a ladder.</think>{text}"),
        "no-finish": lambda asked, text: _completed(asked, text, ended=cast("str", None)),
        "no-credit": lambda *_: _openai_error(
            429, "insufficient_quota", "You exceeded your quota.", (), "insufficient_quota"
        ),
    },
)


def _message(asked: Asked, text: str | None, *, ended: str = "stop", thoughts: int = 0) -> Answer:
    """A message as Anthropic sends it; what it thought is in a block of its own, and counts as output."""
    read, said = _usage(asked, text)
    thinking = [{"type": "thinking", "thinking": "She has a ladder.", "signature": "c2ln"}] if thoughts else []
    reason = {"stop": "end_turn", "length": "max_tokens", "filter": "refusal"}[ended]
    return _json(
        {
            "id": f"msg_{asked.number}",
            "type": "message",
            "role": "assistant",
            "model": f"{asked.body['model']}-001",
            "content": [*thinking, *([] if text is None else [{"type": "text", "text": text}])],
            "stop_reason": reason,
            "stop_sequence": None,
            "usage": {"input_tokens": read, "output_tokens": said + thoughts},
        }
    )


def _anthropic_error(status: int, kind: str, message: str, headers: tuple[str, ...] = ()) -> Answer:
    return _json({"type": "error", "error": {"type": kind, "message": message}}, status=status, headers=headers)


ANTHROPIC = Dialect(
    "/v1/messages",
    _message,
    _anthropic_error,
    {
        "unsafe": lambda asked, _: _message(asked, None, ended="filter"),
        "refused": lambda asked, text: _message(asked, text, ended="filter"),
        "overloaded": lambda *_: _anthropic_error(529, "overloaded_error", "Overloaded"),
        "no-credit": lambda *_: _anthropic_error(400, "invalid_request_error", "Your credit balance is too low."),
    },
)


def _mistral(asked: Asked, text: str | None, *, ended: str = "stop", thoughts: int = 0) -> Answer:
    read, said = _usage(asked, text)
    content: object = text
    if thoughts:
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "She has a ladder."}]}
        content = [thinking, *([] if text is None else [{"type": "text", "text": text}])]
    finish = {"filter": "error"}.get(ended, ended)
    return _json(
        {
            "id": f"cmpl-{asked.number}",
            "object": "chat.completion",
            "created": 1795341600,
            "model": f"{asked.body['model']}-001",
            "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content}}],
            "usage": {
                "prompt_tokens": read,
                "completion_tokens": said + thoughts,
                "total_tokens": read + said + thoughts,
            },
        }
    )


def _mistral_error(status: int, kind: str, message: str, headers: tuple[str, ...] = ()) -> Answer:
    body = {"object": "error", "message": message, "type": kind, "param": None, "code": "1000"}
    return _json(body, status=status, headers=headers)


MISTRAL = Dialect(
    "/v1/chat/completions",
    _mistral,
    _mistral_error,
    {
        "no-choices": lambda asked, _: _json({**json.loads(_mistral(asked, "").body), "choices": []}),
        "invalid-model": lambda asked, _: _mistral_error(400, "invalid_model", f"Invalid model: {asked.model}"),
        "422": lambda *_: _json({"detail": [{"loc": ["body"], "msg": "bad", "type": "value_error"}]}, status=422),
    },
)


@dataclass
class _FakeModel(FakeGemini):
    asked: type[Asked] = AskedChat
    dialect: ClassVar[Dialect]

    def _answer(self, name: str, asked: Asked) -> Answer:
        if asked.path.partition("?")[0] != self.dialect.path:
            return self.dialect.failed(404, "not_found_error", f"{asked.path} is not served here.")
        return self.dialect.make(name, asked, self.say(asked))


class FakeOpenAI(_FakeModel):
    """OpenAI, Ollama, vLLM, LM Studio, llama.cpp: `/v1/chat/completions`."""

    dialect = OPENAI

    @property
    def address(self) -> str:
        return f"{self.url}/v1"


class FakeAnthropic(_FakeModel):
    """Anthropic: `/v1/messages`."""

    dialect = ANTHROPIC

    @property
    def address(self) -> str:
        return self.url


class FakeMistral(_FakeModel):
    """Mistral: `/v1/chat/completions`."""

    dialect = MISTRAL

    @property
    def address(self) -> str:
        return self.url
