"""Tell how each call went."""

import asyncio
from collections.abc import Callable

from roomful.core.events import Prompt
from roomful.core.inputs import Reply
from roomful.llm import LLM, LLMError

type Report = Callable[[str, float], None]
"""Called with the outcome and the seconds: `ok`, an LLMError's kind, `cancelled` or `unexpected`."""


def observed(llm: LLM, report: Report, *, clock: Callable[[], float]) -> LLM:
    """Report the outcome and the duration of every call."""

    async def ask(prompt: Prompt) -> Reply:
        began = clock()
        outcome = "unexpected"
        try:
            reply = await llm(prompt)
            outcome = "ok"
        except LLMError as error:
            outcome = error.kind
            raise
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        finally:
            report(outcome, clock() - began)
        return reply

    return ask
