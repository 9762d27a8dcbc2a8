"""Language models as functions: an LLM takes a prompt and returns a reply, or raises LLMError."""

from collections.abc import Awaitable, Callable

from roomful.core.events import Prompt
from roomful.core.inputs import Reply

type LLM = Callable[[Prompt], Awaitable[Reply]]


class LLMError(Exception):
    """A call that brought no usable reply. `kind` is one word for the log; the message is for people."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
