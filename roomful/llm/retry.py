"""Ask again when that may help, and only while the message is still worth waiting for."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from roomful.core.chance import draw
from roomful.core.events import Prompt
from roomful.core.inputs import Reply
from roomful.llm import LLM, LLMError

PATIENCE = 15.0
"""Seconds past the time a message is due after which nothing more is begun for it.

An attempt under way then goes on to its own time-out: a late message is still posted.
"""

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 8.0


def retried(
    llm: LLM,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
    max_attempts: int = 3,
    patience: float = PATIENCE,
) -> LLM:
    """Ask up to `max_attempts` times. Every failed attempt leaves a line in the reply or in the last LLMError.

    Waits double from 0.5 s up to 8 s, each scaled by a factor in [0.5, 1.5), and are never shorter than what the
    provider asks for. What is not an LLMError is raised at once.
    """

    async def ask(prompt: Prompt) -> Reply:
        began = clock()
        lines: tuple[str, ...] = ()
        while True:
            asked = clock()
            try:
                reply = await llm(later(prompt, asked - began))
            except LLMError as error:
                lines = (*lines, f"{error.kind}: {error} ({clock() - asked:.2f} s)")
                wait = _wait(error, prompt, len(lines))
                too_late = clock() - began + wait > prompt.due_in + patience
                if not error.retryable or len(lines) >= max_attempts or too_late:
                    error.attempts = lines
                    raise
                await sleep(wait)
            else:
                return replace(reply, latency=clock() - began, attempts=lines)

    return ask


def later(prompt: Prompt, passed: float) -> Prompt:
    """The same prompt when so many seconds have passed."""
    return replace(prompt, due_in=prompt.due_in - passed) if passed > 0 else prompt


def _wait(error: LLMError, prompt: Prompt, attempts: int) -> float:
    u = draw(prompt.seed, "retry", prompt.agent_name, prompt.number, attempts)
    backoff = min(_FIRST_WAIT * 2.0 ** (attempts - 1), _LONGEST_WAIT)
    if error.retry_after is None:
        return backoff * (0.5 + u)
    # a little later than asked for, each at another time, so that those who were sent away do not come back as one
    return error.retry_after + backoff * u
