"""The only module that touches google-genai: what is sent, and what each of its ways to fail means.

Importing it takes 0.4 s, so `roomful.llm.gemini` does it when first needed.
"""

import json
from collections.abc import Iterator, Mapping
from urllib.request import getproxies

import aiohttp
from google import genai
from google.genai import errors, types

from roomful.core.study import ModelSettings
from roomful.llm import LLMError
from roomful.llm.headers import retry_after, seconds

MODELS_PAGE = "https://ai.google.dev/gemini-api/docs/models"
KEYS_PAGE = "https://aistudio.google.com/apikey"


# google-genai asks `name in model` for each field it sends, for which pydantic walks the whole model. An answer
# in constant time (the library then looks for the attribute) more than halves the CPU time of a call.
class _Part(types.Part):
    def __contains__(self, name: str) -> bool:
        return False


class _Content(types.Content):
    def __contains__(self, name: str) -> bool:
        return False


class _Config(types.GenerateContentConfig):
    def __contains__(self, name: str) -> bool:
        return False


class GeminiClient:
    """One google-genai client; make it where the event loop runs that will use it."""

    def __init__(self, settings: ModelSettings, api_key: str, base_url: str | None) -> None:
        self._model = settings.model
        self._timeout = settings.timeout_seconds
        self._config = _config(settings)
        # The library's own session looks for proxies and reads ~/.netrc anew at each request.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), trust_env=bool(getproxies()), read_bufsize=2**20
        )
        options = types.HttpOptions(
            base_url=base_url,
            # previews and aliases are on v1beta alone; the library's own default moves with its version
            api_version="v1beta",
            timeout=round(settings.timeout_seconds * 1000),
            aiohttp_client=self._session,
            # without this a lost connection makes the library wait 1 to 10 s and ask again, unseen
            retry_options=types.HttpRetryOptions(attempts=1),
        )
        self._client = genai.Client(vertexai=False, api_key=api_key, http_options=options)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aio.aclose()
        self._client.close()
        await self._session.close()

    async def ask(self, system: str, text: str) -> str:
        """Return the body of the model's answer, unread; raise LLMError when there is none."""
        contents = _content(text, role="user")
        config = self._config.model_copy(update={"system_instruction": _content(system)}) if system else self._config
        try:
            response = await self._client.aio.models.generate_content(
                model=self._model, contents=contents, config=config
            )
        except TimeoutError as error:
            raise LLMError("timeout", f"No answer within {self._timeout:g} s.", retryable=True) from error
        except aiohttp.ClientError as error:
            raise LLMError("connection", f"The connection failed: {error!s:.200}", retryable=True) from error
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise LLMError("malformed", f"The answer is not JSON: {error}", retryable=True) from error
        except errors.APIError as error:
            raise _refusal(error, self._model) from error
        return (response.sdk_http_response and response.sdk_http_response.body) or ""


def _config(settings: ModelSettings) -> _Config:
    if settings.thinking_budget is not None and settings.thinking_level is not None:
        raise ValueError("Set thinking_budget (Gemini 2.5) or thinking_level (from Gemini 3 on), not both.")
    thinking = None
    if settings.thinking_budget is not None or settings.thinking_level is not None:
        level = settings.thinking_level and types.ThinkingLevel(settings.thinking_level.upper())
        thinking = types.ThinkingConfig(thinking_budget=settings.thinking_budget, thinking_level=level)
    return _Config(
        temperature=settings.temperature,
        top_p=settings.top_p,
        max_output_tokens=settings.max_output_tokens,
        thinking_config=thinking,
        safety_settings=[
            types.SafetySetting(category=types.HarmCategory(category), threshold=types.HarmBlockThreshold(threshold))
            for category, threshold in settings.safety_settings.items()
        ]
        or None,
        # the library's own reading of an answer costs more than the request; ours is in `roomful.llm.gemini`
        should_return_http_response=True,
        # and it may not call functions or ask for more on its own: one call is one request
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        automatic_continuation=False,
    )


def _content(text: str, role: str | None = None) -> _Content:
    # pydantic refuses a lone surrogate, which a participant can send
    return _Content(role=role, parts=[_Part(text=text.encode("utf-8", "replace").decode())])


def _refusal(error: errors.APIError, model: str) -> LLMError:
    """What an HTTP status other than 200 means, in words a researcher can act upon."""
    said = " ".join(str(error.message or "").split())[:300] or "no reason given"
    if error.code == 429:
        message = f"Gemini takes no more requests for now (429): {said}"
        return LLMError("rate_limited", message, retryable=True, retry_after=_retry_after(error))
    if error.code >= 500:
        message = f"Gemini has a problem of its own ({error.code}): {said}"
        return LLMError("server_error", message, retryable=True, retry_after=_retry_after(error))
    if error.code in {401, 403} or (error.code == 400 and _is_about_key(error)):
        message = f"The key in GEMINI_API_KEY is not accepted: {said} Keys are made at {KEYS_PAGE}"
        return LLMError("bad_key", message)
    if error.code == 404:
        return LLMError("unknown_model", f"There is no model named {model!r}: {said} Names are at {MODELS_PAGE}")
    if error.code == 408:
        return LLMError("timeout", f"Gemini gave up waiting (408): {said}", retryable=True)
    return LLMError("bad_request", f"Gemini does not accept the request ({error.code}): {said}")


def _is_about_key(error: errors.APIError) -> bool:
    reasons = {detail.get("reason") for detail in _details(error)}
    return bool(reasons & {"API_KEY_INVALID", "API_KEY_EXPIRED"}) or "api key" in str(error.message).lower()


def _retry_after(error: errors.APIError) -> float | None:
    """Seconds the provider asks to wait: google.rpc.RetryInfo in the body, else the Retry-After header (RFC 9110)."""
    for detail in _details(error):
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and delay.endswith("s"):
            return seconds(delay[:-1])
    headers: object = getattr(error.response, "headers", {})
    return retry_after(headers) if isinstance(headers, Mapping) else None


def _details(error: errors.APIError) -> Iterator[Mapping[str, object]]:
    status = error.details.get("error") if isinstance(error.details, dict) else None
    details = status.get("details") if isinstance(status, dict) else None
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict):
            yield detail
