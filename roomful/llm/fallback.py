"""Who is asked for which agent, and who instead when that one has failed for good."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from roomful.core.events import Prompt
from roomful.core.inputs import Reply
from roomful.llm import LLM, LLMError
from roomful.llm.retry import PATIENCE, later


def routed(common: LLM, agents: Mapping[str, LLM]) -> LLM:
    """Ask the model of the agent that is to speak; `common` where it has none of its own."""

    async def ask(prompt: Prompt) -> Reply:
        return await agents.get(prompt.agent_name, common)(prompt)

    return ask


def fallen_back(models: Sequence[tuple[str, LLM]], *, clock: Callable[[], float], patience: float = PATIENCE) -> LLM:
    """Ask the models in order until one replies, each with its name; the reply tells by `fallback` which one it was.

    The next one is asked whatever the failure was, as long as a message `patience` seconds late is worth it. Every
    attempt of each leaves its line. When all have failed, the failure is the last one's.
    """

    async def ask(prompt: Prompt) -> Reply:
        began = clock()
        lines: tuple[str, ...] = ()
        for number, (name, llm) in enumerate(models):
            try:
                reply = await _asked(llm, later(prompt, clock() - began))
            except LLMError as error:
                lines = (*lines, *_of(name, error.attempts or (f"{error.kind}: {error}",)))
                error.attempts = lines
                if error.reply:
                    error.reply = replace(error.reply, fallback=number)
                too_late = clock() - began > prompt.due_in + patience
                if number == len(models) - 1 or too_late:
                    raise
            else:
                attempts = (*lines, *_of(name, reply.attempts))
                return replace(reply, latency=clock() - began, attempts=attempts, fallback=number)
        raise ValueError("there is no model to ask")

    return ask


async def _asked(llm: LLM, prompt: Prompt) -> Reply:
    try:
        return await llm(prompt)
    except LLMError:
        raise
    except Exception as fault:
        # a model's client is foreign code: whatever it raises, the next model is asked
        raise LLMError("unexpected", f"{type(fault).__name__}: {fault}") from fault


def _of(name: str, attempts: Iterable[str]) -> tuple[str, ...]:
    """The lines of one model's attempts, each with who it was."""
    return tuple(f"{line} [{name}]" for line in attempts)
