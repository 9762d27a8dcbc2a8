"""What a model has said, and whether it can be used: the same for all providers but Gemini, whose words are its own."""

from dataclasses import dataclass
from typing import Literal

from roomful.core.inputs import Reply
from roomful.llm import LLMError


@dataclass(frozen=True, slots=True)
class Said:
    """An answer that came as it should, and how it ended: of itself, at its limit of tokens, or because of a filter."""

    reply: Reply
    ended: Literal["stop", "length", "filter"] = "stop"
    refusal: str = ""
    """Why a filter held it back, where the provider says so."""


def usable(said: Said) -> Reply:
    """The reply, or LLMError when there is nothing to show in it."""
    reply = said.reply
    if said.ended == "filter":
        why = said.refusal or reply.finish_reason or "no reason given"
        raise LLMError("safety", f"The provider blocked the prompt or the answer: {why:.300}", reply=reply)
    if said.ended == "length" and reply.text.strip():
        message = f"The answer was cut at max_output_tokens; it ends {reply.text[-80:]!r}"
        raise LLMError("cut", message, retryable=True, reply=reply)
    if said.ended == "length":
        message = (
            f"All of max_output_tokens went into thinking ({reply.thinking_tokens or reply.output_tokens} tokens): "
            "raise it, or lower thinking_level or thinking_budget."
        )
        raise LLMError("thought_away", message, reply=reply)
    if not reply.text.strip():
        reason = reply.finish_reason or "no reason given"
        raise LLMError("empty", f"The answer has no text ({reason}).", retryable=True, reply=reply)
    return reply
