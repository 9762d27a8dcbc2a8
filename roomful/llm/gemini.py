"""Gemini, through google-genai. One call is one request; asking again is `roomful.llm.retry`'s business.

What can go wrong, by the `kind` of the LLMError; those marked * may be asked again:

timeout*        no answer within `timeout_seconds`
rate_limited*   429; `retry_after` holds RetryInfo's delay or the Retry-After header
server_error*   5xx; `retry_after` as above
connection*     refused, reset or cut off
malformed*      what came is not the JSON it should be (broken, or a page of HTML)
empty*          an answer without text
cut*            MAX_TOKENS with a part of a text: what was to come is missing, so it is not shown
thought_away    MAX_TOKENS without text: thinking took `max_output_tokens`; asking again would only cost more
safety          the prompt or the answer was blocked
bad_key         401, 403, or a 400 about the key
unknown_model   404
bad_request     any other 4xx

The wrappers add `queue_full` and `budget`. What is not foreseen here is raised as it is.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from roomful.core.events import Prompt
from roomful.core.inputs import Reply
from roomful.core.study import ModelSettings
from roomful.llm import LLMError

if TYPE_CHECKING:
    from roomful.llm.gemini_client import GeminiClient

_BLOCKED = frozenset(
    {"SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "ESCALATION"}
    | {"PUP_LIMITED_DISABLED", "MODEL_ARMOR", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT"}
)
_CUT = frozenset({"MAX_TOKENS", "CONTINUATION"})


class Gemini:
    """An LLM. `clock` is in seconds; `base_url` names another server, else GOOGLE_GEMINI_BASE_URL does, else Google."""

    def __init__(
        self, settings: ModelSettings, api_key: str, clock: Callable[[], float], base_url: str | None = None
    ) -> None:
        self._settings = settings
        self._api_key = api_key
        self._clock = clock
        self._base_url = base_url
        self._client: GeminiClient | None = None
        self._connecting = asyncio.Lock()

    async def __call__(self, prompt: Prompt) -> Reply:
        """Ask once. Raises LLMError."""
        client = self._client or await self._connect()
        asked = self._clock()
        body = await client.ask(prompt.system, prompt.text)
        return _read(body, self._settings.model, self._clock() - asked)

    async def close(self) -> None:
        """Close the connections; calls under way fail."""
        client, self._client = self._client, None
        if client:
            await client.close()

    async def _connect(self) -> "GeminiClient":
        # held while the client is made, so that there is one of them
        async with self._connecting:
            if self._client is None:
                # a thread, because the import takes 0.4 s in which the loop has other sessions to serve
                make = await asyncio.to_thread(_load)
                self._client = make(self._settings, self._api_key, self._base_url)
            return self._client


def _load() -> "type[GeminiClient]":
    from roomful.llm.gemini_client import GeminiClient

    return GeminiClient


class _Json(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _Part(_Json):
    text: str | None = None
    thought: bool | None = None


class _Content(_Json):
    parts: list[_Part] | None = None


class _Candidate(_Json):
    content: _Content | None = None
    finish_reason: str | None = None


class _Feedback(_Json):
    block_reason: str | None = None


class _Usage(_Json):
    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None


class _Answer(_Json):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: _Usage | None = None
    model_version: str | None = None


def _read(body: str, model: str, latency: float) -> Reply:
    """The reply in the body of an answer with status 200; LLMError when there is nothing to show in it."""
    try:
        answer = _Answer.model_validate_json(body)
    except ValidationError as error:
        message = f"The answer is not what Gemini sends: {error.errors()[0]['msg']}; it begins {body[:80]!r}"
        raise LLMError("malformed", message, retryable=True) from error
    reply = _reply(answer, model, latency)
    blocked = answer.prompt_feedback and answer.prompt_feedback.block_reason
    if blocked:
        raise LLMError("safety", f"Gemini blocked the prompt: {blocked}.", reply=reply)
    if reply.finish_reason in _BLOCKED:
        raise LLMError("safety", f"Gemini blocked its answer: {reply.finish_reason}.", reply=reply)
    if reply.finish_reason in _CUT:
        raise _cut(reply)
    if not reply.text.strip():
        reason = reply.finish_reason or "no candidates"
        raise LLMError("empty", f"The answer has no text ({reason}).", retryable=True, reply=reply)
    return reply


def _reply(answer: _Answer, model: str, latency: float) -> Reply:
    candidate = answer.candidates[0] if answer.candidates else _Candidate()
    parts = (candidate.content and candidate.content.parts) or []
    usage = answer.usage_metadata or _Usage()
    return Reply(
        text="".join(part.text for part in parts if part.text and not part.thought),
        model=answer.model_version or model,
        latency=latency,
        input_tokens=usage.prompt_token_count or 0,
        output_tokens=usage.candidates_token_count or 0,
        thinking_tokens=usage.thoughts_token_count or 0,
        finish_reason=candidate.finish_reason or "",
    )


def _cut(reply: Reply) -> LLMError:
    if reply.text.strip():
        message = f"The answer was cut at max_output_tokens; it ends {reply.text[-80:]!r}"
        return LLMError("cut", message, retryable=True, reply=reply)
    message = (
        f"All of max_output_tokens went into thinking ({reply.thinking_tokens} tokens): raise it, "
        "or lower thinking_level (Gemini 2.5: thinking_budget)."
    )
    return LLMError("thought_away", message, reply=reply)
