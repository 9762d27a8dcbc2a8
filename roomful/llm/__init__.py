"""Language models as functions: an LLM takes a prompt and returns a reply, or raises LLMError."""

from collections.abc import Awaitable, Callable

from roomful.core.events import Prompt
from roomful.core.inputs import Reply

type LLM = Callable[[Prompt], Awaitable[Reply]]


class LLMError(Exception):
    """A call that brought no usable reply. `kind` is one word for the log; the message is for people.

    `retryable`: asking again may help, not before `retry_after` seconds if the provider said so. `reply` is what
    came nonetheless, with the tokens it cost. `attempts` has one line for each attempt that was made.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        reply: Reply | None = None,
        attempts: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retryable = retryable
        self.retry_after = retry_after
        self.reply = reply
        self.attempts = attempts
