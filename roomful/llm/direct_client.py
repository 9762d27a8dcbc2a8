"""The only module that touches pydantic-ai: what is sent, and what each of its ways to fail means.

Importing it takes 1 to 2 s, so `roomful.llm.direct` does it when first needed. Of pydantic-ai only the direct API is
used: an agent of its own would ask again in secret.
"""

import asyncio
import json
import re
import warnings
from collections.abc import Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Literal, assert_never, cast
from urllib.parse import urlsplit

import httpx2
from pydantic_ai import exceptions, messages
from pydantic_ai.direct import model_request
from pydantic_ai.settings import ModelSettings as Sent

from roomful.core.inputs import Reply
from roomful.core.study import ModelSettings
from roomful.llm import LLMError
from roomful.llm.headers import retry_after
from roomful.llm.said import Said

if TYPE_CHECKING:
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.models.mistral import MistralModel
    from pydantic_ai.models.openai import OpenAIChatModel

    type _Model = OpenAIChatModel | AnthropicModel | MistralModel

NAMES = {"openai": "OpenAI", "anthropic": "Anthropic", "mistral": "Mistral"}
"""What the providers are called in a sentence."""
_ADDRESSES = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "mistral": "https://api.mistral.ai",
}
_ENDED: Mapping[str, Literal["stop", "length", "filter"]] = {"length": "length", "content_filter": "filter"}
_NO_KEY = "none"
"""What is sent where there is no key: the clients insist on one, and the servers that ask for none ignore it."""

# a setting that a model does not take is left out, and docs/llm.md says of which that is true: once is enough
warnings.filterwarnings("ignore", category=UserWarning, module=r"pydantic_ai\.")


class DirectClient:
    """One client of one provider, and one model of it."""

    def __init__(self, settings: ModelSettings, api_key: str) -> None:
        self._settings = settings
        self._name = NAMES[settings.provider or ""]
        self._address = settings.base_url or _ADDRESSES[settings.provider or ""]
        self._secret = api_key
        # a time-out for the whole of a call is ours to keep: these would be for each of its parts
        self._http = httpx2.AsyncClient(timeout=None, limits=httpx2.Limits(max_connections=None))
        self._model = _model(settings, self._address, _sendable(api_key, self._address), self._http)
        self._sent = _sent(settings)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(self, system: str, text: str) -> Said:
        """Return what the model has said; raise LLMError when there is no answer, or one that cannot be read."""
        asked = messages.ModelRequest.user_text_prompt(_plain(text), instructions=_plain(system) or None)
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                response = await model_request(self._model, [asked], model_settings=self._sent)
        except TimeoutError as error:
            message = f"No answer within {self._settings.timeout_seconds:g} s."
            raise LLMError("timeout", message, retryable=True) from error
        except exceptions.ModelAPIError as error:
            raise self._failure(error) from error
        except (exceptions.UnexpectedModelBehavior, ValueError, TypeError, AttributeError) as error:
            # the clients do not check what comes: JSON of another form fails wherever it is first looked at
            raise self._malformed(error) from error
        except (AssertionError, IndexError) as error:
            # how pydantic-ai says that there is no choice in the answer
            raise LLMError("empty", "The answer has no choices.", retryable=True) from error
        return self._said(response)

    def _said(self, response: messages.ModelResponse) -> Said:
        details = response.provider_details or {}
        thought = response.usage.details.get("reasoning_tokens", 0)
        reply = Reply(
            text="".join(part.content for part in response.parts if isinstance(part, messages.TextPart)),
            model=response.model_name or self._settings.model,
            input_tokens=response.usage.input_tokens,
            # these providers count what was thought as output; our two are apart, as Gemini's
            output_tokens=max(0, response.usage.output_tokens - thought),
            thinking_tokens=thought,
            finish_reason=str(details.get("finish_reason") or response.finish_reason or ""),
        )
        return Said(reply, _ENDED.get(response.finish_reason or "", "stop"), str(details.get("refusal") or ""))

    def _malformed(self, error: Exception) -> LLMError:
        # pydantic's faults go on at length about types and addresses of its own documentation
        told = self._told(str(error).partition("[type=")[0])
        message = f"The answer is not what {self._name} sends: {told}"
        return LLMError("malformed", message, retryable=True)

    def _failure(self, error: exceptions.ModelAPIError) -> LLMError:
        """What it means that no answer came, in words a researcher can act upon."""
        match error:
            case exceptions.ModelTimeoutError() | exceptions.ModelRequestTimeout():
                return LLMError("timeout", f"No answer from {self._address} in time.", retryable=True)
            case exceptions.ModelConnectionError():
                return self._unreached(error)
            case exceptions.ModelHTTPError():
                return self._refusal(error)
            case _:
                # an answer with status 200 that could not be read
                return self._malformed(error)

    def _unreached(self, error: exceptions.ModelConnectionError) -> LLMError:
        if error.phase == "connect":
            message = f"Nothing answers at {self._address}. {_running(self._address)}"
        else:
            message = f"The connection to {self._address} failed: {self._told(_root(error))}"
        return LLMError("connection", message, retryable=True)

    def _refusal(self, error: exceptions.ModelHTTPError) -> LLMError:
        said, code, wait = self._told(_message(error)), error.status_code, retry_after(error.headers or {})
        match error:
            case exceptions.ModelQuotaExceededError():
                return LLMError("rate_limited", f"The account at {self._name} has no credit left ({code}): {said}")
            case exceptions.ModelRateLimitError():
                message = f"{self._name} takes no more requests for now ({code}): {said}"
                return LLMError("rate_limited", message, retryable=True, retry_after=wait)
            case exceptions.ModelAuthenticationError():
                return LLMError("bad_key", f"{self._key_fault()}: {said}")
            case exceptions.ModelNotFoundError():
                return LLMError("unknown_model", f"{self._no_model()}: {said}")
            case _ if code >= 500:
                message = f"{self._name} has a problem of its own ({code}): {said}"
                return LLMError("server_error", message, retryable=True, retry_after=wait)
            case _ if code == 408:
                return LLMError("timeout", f"{self._name} gave up waiting (408): {said}", retryable=True)
            case _ if _filtered(error):
                return LLMError("safety", f"{self._name} blocked the prompt: {said}")
            case _ if "model" in said.lower() and _UNKNOWN.search(said):
                return LLMError("unknown_model", f"{self._no_model()}: {said}")
            case _:
                return LLMError("bad_request", f"{self._name} does not accept the request ({code}): {said}")

    def _key_fault(self) -> str:
        variable = f"{(self._settings.provider or '').upper()}_API_KEY"
        if not self._secret:
            return f"{self._address} wants a key, and {variable} is not set"
        if not _sendable(self._secret, self._address):
            return f"{self._address} wants a key, and the one in {variable} is not sent over the network in clear"
        return f"The key in {variable} is not accepted by {self._address}"

    def _no_model(self) -> str:
        return f"There is no model named {self._settings.model!r} at {self._address}"

    def _told(self, text: str) -> str:
        """What a provider said, in one line and without what looks like a key."""
        if self._secret:
            text = text.replace(self._secret, "…")
        return " ".join(_KEY.sub("…", text).split())[:300] or "no reason given"


_KEY = re.compile(r"\bsk-[\w*.-]{4,}|\bBearer \S+")
_UNKNOWN = re.compile(r"not found|not exist|invalid model|unknown model|no such", re.IGNORECASE)


def _plain(text: str) -> str:
    # a lone surrogate, which a participant can send, is no UTF-8
    return text.encode("utf-8", "replace").decode()


def _sendable(api_key: str, address: str) -> str:
    """The key, where it does not go over the network in clear."""
    return api_key if address.startswith("https://") or _is_here(address) else ""


def _is_here(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _running(address: str) -> str:
    if not _is_here(address):
        return "Is the address right, and does the network let you there?"
    return "Is Ollama running?" if urlsplit(address).port == 11434 else "Is the server (Ollama, vLLM, …) running?"


def _root(error: BaseException) -> str:
    """What an error came of in the end: the clients put theirs around it."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__


def _message(error: exceptions.ModelHTTPError) -> str:
    """The sentence in the body of an error, wherever the provider has put it."""
    body: object = error.body
    if isinstance(body, str) and body.startswith("{"):
        body = _loaded(body)
    for name in ("error", "message", "detail"):
        if isinstance(body, Mapping) and name in body:
            body = body[name]
    return str(body or "")


def _loaded(body: str) -> object:
    try:
        found: object = json.loads(body)
    except ValueError:
        return body
    return found


def _filtered(error: exceptions.ModelHTTPError) -> bool:
    return error.provider_error_code in ("content_filter", "content_policy_violation")


def _model(settings: ModelSettings, address: str, api_key: str, http: httpx2.AsyncClient) -> "_Model":
    """The provider's model. Each is imported alone: its client is half of what there is to load."""
    key = api_key or _NO_KEY
    match settings.provider:
        case "openai":
            return _openai(settings, address, key, http)
        case "anthropic":
            from anthropic import AsyncAnthropic
            from pydantic_ai.models.anthropic import AnthropicModel
            from pydantic_ai.providers.anthropic import AnthropicProvider

            client = AsyncAnthropic(base_url=address, api_key=key, http_client=http, max_retries=0)
            return AnthropicModel(settings.model, provider=AnthropicProvider(anthropic_client=client))
        case "mistral":
            from pydantic_ai.models.mistral import MistralModel
            from pydantic_ai.providers.mistral import MistralProvider

            provider = MistralProvider(api_key=key, base_url=address, http_client=http)
            return MistralModel(settings.model, provider=provider)
        case "gemini" | "local" | "scripted" | None:
            raise ValueError(f"{settings.provider} is not spoken to through pydantic-ai")
        case _:
            assert_never(settings.provider)


def _openai(settings: ModelSettings, address: str, key: str, http: httpx2.AsyncClient) -> "_Model":
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    client = AsyncOpenAI(base_url=address, api_key=key, http_client=http, max_retries=0)
    if settings.base_url is None:
        return OpenAIChatModel(settings.model, provider=OpenAIProvider(openai_client=client))
    # of the two names for the limit of a reply, the older is the one that all of these servers know
    profile = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False)
    provider = OpenAICompatibleProvider("openai", openai_client=client, profile=profile)
    return OpenAIChatModel(settings.model, provider=provider)


def _sent(settings: ModelSettings) -> Sent:
    """What goes with each request; what is None is left to the model."""
    sent: dict[str, object] = {
        "max_tokens": settings.max_output_tokens,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "thinking": settings.thinking_level,
        "max_retries": 0,
    }
    if settings.thinking_budget is not None:
        budget = {"type": "enabled", "budget_tokens": settings.thinking_budget}
        sent["anthropic_thinking"] = budget if settings.thinking_budget else {"type": "disabled"}
    return cast(Sent, {name: value for name, value in sent.items() if value is not None})
