"""Tell how each call went."""

import asyncio
from collections.abc import Callable

from roomful.core.events import Prompt
from roomful.core.inputs import Reply
from roomful.llm import LLM, LLMError
from roomful.llm.watch import Watch

type Report = Callable[[str, float], None]
"""Called with the outcome and the seconds: `ok`, an LLMError's kind, `cancelled` or `unexpected`."""


def observed(llm: LLM, report: Report | None, *, clock: Callable[[], float], watch: Watch | None = None) -> LLM:
    """Report the outcome and the duration of every call; the watch hears of its beginning too."""

    async def ask(prompt: Prompt) -> Reply:
        began = clock()
        number = watch.began() if watch else 0
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
            if watch:
                watch.ended(number, outcome)
            if report:
                report(outcome, clock() - began)
        return reply

    return ask
