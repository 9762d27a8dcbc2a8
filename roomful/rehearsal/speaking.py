"""Models in a rehearsal: scripted ones as slow and as dear as real ones, and all of them paid."""

from roomful.core.chance import draw, lognormal
from roomful.core.events import Prompt
from roomful.core.inputs import Reply
from roomful.llm import LLM, LLMError
from roomful.rehearsal.prices import Purse

CHARACTERS_PER_TOKEN = 4
"""Of English text, as providers tell it; other languages need more tokens."""

LATENCY_SPREAD = 0.5
"""Sigma of ln seconds: the slowest of a hundred calls takes three times the median."""


def estimated(llm: LLM, median: float) -> LLM:
    """A scripted model as slow as this (seconds, lognormal around the median), its tokens estimated from the texts."""

    async def ask(prompt: Prompt) -> Reply:
        reply = await llm(prompt)
        u = draw(prompt.seed, "rehearsal", "latency", prompt.number)
        # nothing else stands in what a scripted model says, and dataclasses.replace takes as long as writing it
        return Reply(
            text=reply.text,
            model=reply.model,
            finish_reason=reply.finish_reason,
            latency=round(lognormal(median, LATENCY_SPREAD, u), 6) if median else 0.0,
            input_tokens=tokens_of(prompt.system) + tokens_of(prompt.text),
            output_tokens=tokens_of(reply.text),
        )

    return ask


def tokens_of(text: str) -> int:
    """About how many tokens a text has."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def paid(llm: LLM, purse: Purse) -> LLM:
    """Count what each reply costs, that of a failed call too."""

    async def ask(prompt: Prompt) -> Reply:
        try:
            reply = await llm(prompt)
        except LLMError as error:
            if error.reply:
                purse.pay(prompt.agent_name, error.reply)
            raise
        purse.pay(prompt.agent_name, reply)
        return reply

    return ask
