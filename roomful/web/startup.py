"""A start that fails says why in a sentence, where a traceback would not help whoever started it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from roomful.assembly import SetupError
from roomful.store import StoreError
from roomful.store.lock import FolderInUse


class Explained:
    """Passes everything on; of a foreseen fault at the start it passes on the reason alone.

    The reason is in `app.state.startup_fault` then, for whoever runs the server.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        failures: list[Message] = []

        async def hold(message: Message) -> None:
            # held back until the fault itself is here: this message has only its traceback
            if message["type"] == "lifespan.startup.failed":
                failures.append(message)
            else:
                await send(message)

        try:
            await self._app(scope, receive, hold)
        except Exception as fault:
            if failures:
                reason = _reason(fault)
                scope["app"].state.startup_fault = reason
                await send(failures[0] if reason is None else {**failures[0], "message": reason})
            raise


def _reason(fault: Exception) -> str | None:
    """The sentence of a foreseen fault, also where it comes in a group of its own; None for any other."""
    while isinstance(fault, ExceptionGroup) and len(fault.exceptions) == 1:
        fault = fault.exceptions[0]
    if isinstance(fault, OSError) and fault.filename:
        return f"{fault.filename}: {fault.strerror}"
    return str(fault) if isinstance(fault, SetupError | StoreError | FolderInUse | OSError) else None
