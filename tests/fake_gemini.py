"""A small Gemini on loopback: it speaks `:generateContent`, keeps what it was asked, and fails as it is told to.

In a test: `async with FakeGemini(plan=["429-retry-info", "ok"]) as gemini: … gemini.url …`.
From a shell: `python -m tests.fake_gemini --port 8099 --latency-median-ms 800 --plan 429=0.02,reset=0.01`.
It parses HTTP by hand, because it shares the machine with what is measured.
"""

import argparse
import asyncio
import json
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import chain, repeat
from typing import Literal, Self, cast

from roomful.core.chance import draw, lognormal

type Json = Mapping[str, object]

_PHRASES = {int(status): status.phrase for status in HTTPStatus}

HANG, HELD = "hang", "held"
"""Never answered; answered when `release` is called."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came: `number` counts 1, 2, 3 … over all connections; header names are in small letters."""

    number: int
    path: str
    headers: Mapping[str, str]
    body: Json

    @property
    def model(self) -> str:
        return self.path.rpartition("/")[2].partition(":")[0]

    @property
    def text(self) -> str:
        """The text of all parts of all contents."""
        contents = cast("Sequence[Json]", self.body["contents"])
        return "".join(_parts_text(content) for content in contents)

    @property
    def system(self) -> str:
        return _parts_text(cast("Json", self.body.get("systemInstruction", {"parts": []})))


def _parts_text(content: Json) -> str:
    return "".join(str(part.get("text", "")) for part in cast("Sequence[Json]", content["parts"]))


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. `ending` says what becomes of the connection: `cut` sends half of it, `reset` none of it."""

    body: bytes
    status: int = 200
    content_type: str = "application/json; charset=UTF-8"
    headers: tuple[str, ...] = ()
    ending: Literal["keep", "cut", "reset"] = "keep"

    def encoded(self) -> bytes:
        lines = (
            f"HTTP/1.1 {self.status} {_PHRASES.get(self.status, 'Other')}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            *self.headers,
            "\r\n",
        )
        return "\r\n".join(lines).encode() + self.body


def generated(
    asked: Asked,
    text: str | None,
    *,
    finish_reason: str = "STOP",
    thoughts: int = 0,
    thought: str | None = None,
    ratings: Sequence[Json] = (),
) -> Answer:
    """An answer with one candidate, in the real one's fields; no `text`: a candidate without content."""
    prompt, said = len(asked.text) // 4, len(text or "") // 4
    parts: list[Json] = [{"text": thought, "thought": True}] if thought else []
    content = {} if text is None else {"content": {"parts": [*parts, {"text": text}], "role": "model"}}
    safety = {"safetyRatings": list(ratings)} if ratings else {}
    usage = {"promptTokenCount": prompt, "candidatesTokenCount": said, "totalTokenCount": prompt + said + thoughts}
    if thoughts:
        usage["thoughtsTokenCount"] = thoughts
    return _json(
        {
            "candidates": [{**content, "finishReason": finish_reason, "index": 0, **safety}],
            "usageMetadata": usage,
            "modelVersion": f"{asked.model}-001",
            "responseId": f"r{asked.number}",
        }
    )


def failed(code: int, status: str, message: str, *details: Json, headers: tuple[str, ...] = ()) -> Answer:
    """An error in the form of google.rpc.Status, as the real one sends it."""
    error = {"code": code, "message": message, "status": status, **({"details": list(details)} if details else {})}
    return _json({"error": error}, status=code, headers=headers)


def _json(body: Json, status: int = 200, headers: tuple[str, ...] = ()) -> Answer:
    return Answer(json.dumps(body).encode(), status, headers=headers)


def _blocked(asked: Asked, _: str) -> Answer:
    usage = {"promptTokenCount": len(asked.text) // 4, "totalTokenCount": len(asked.text) // 4}
    return _json({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": usage})


def _unsafe(asked: Asked, _: str) -> Answer:
    rating = {"category": "HARM_CATEGORY_HARASSMENT", "probability": "HIGH", "blocked": True}
    return generated(asked, None, finish_reason="SAFETY", ratings=[rating])


def _busy(*details: Json, headers: tuple[str, ...] = ()) -> Answer:
    message = "You exceeded your current quota, please check your plan and billing details."
    return failed(429, "RESOURCE_EXHAUSTED", message, *details, headers=headers)


_RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2.5s"}
_IN_SEVEN_SECONDS = ("Date: Sun, 22 Nov 2026 10:00:00 GMT", "Retry-After: Sun, 22 Nov 2026 10:00:07 GMT")
_BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}

ANSWERS: Mapping[str, Callable[[Asked, str], Answer]] = {
    "ok": generated,
    "echo": lambda asked, _: generated(asked, asked.text),
    "echo-system": lambda asked, _: generated(asked, asked.system),
    "russian": lambda asked, _: generated(asked, "Всем привет, как у вас дела сегодня?"),
    "with-thoughts": lambda asked, text: generated(asked, text, thoughts=9, thought="She has a ladder."),
    "long": lambda asked, _: generated(asked, "a long story " * 7877),
    "429": lambda *_: _busy(),
    "429-retry-info": lambda *_: _busy(_RETRY_INFO),
    "429-retry-after": lambda *_: _busy(headers=("Retry-After: 3",)),
    "429-retry-date": lambda *_: _busy(headers=_IN_SEVEN_SECONDS),
    "500": lambda *_: failed(500, "INTERNAL", "An internal error has occurred."),
    "503": lambda *_: failed(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "reset": lambda *_: Answer(b"", ending="reset"),
    "cut-off": lambda asked, text: Answer(generated(asked, text).body, ending="cut"),
    "malformed": lambda asked, text: Answer(generated(asked, text).body[:-20]),
    "not-utf-8": lambda *_: Answer(b'{"candidates": "\xff\xfe"}'),
    "not-an-object": lambda *_: Answer(b"[1, 2, 3]"),
    "html": lambda *_: Answer(b"<html><h1>502 Bad Gateway</h1></html>", 502, "text/html"),
    "html-as-json": lambda *_: Answer(b"<html><h1>502 Bad Gateway</h1></html>", 502),
    "html-200": lambda *_: Answer(b"<html>Please log in to the network</html>", 200, "text/html"),
    "blocked": _blocked,
    "unsafe": _unsafe,
    "no-candidates": lambda asked, _: _json({"candidates": [], "modelVersion": asked.model}),
    "no-text": lambda asked, _: generated(asked, None),
    "blank": lambda asked, _: generated(asked, " \n"),
    "thought-away": lambda asked, _: generated(asked, None, finish_reason="MAX_TOKENS", thoughts=1020),
    "max-tokens": lambda asked, text: generated(asked, text, finish_reason="MAX_TOKENS"),
    "404": lambda asked, _: failed(404, "NOT_FOUND", f"models/{asked.model} is not found for API version v1beta."),
    "400": lambda *_: failed(400, "INVALID_ARGUMENT", "The thinking budget 0 is invalid."),
    "400-key": lambda *_: failed(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", _BAD_KEY),
    "401": lambda *_: failed(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
    "403": lambda *_: failed(403, "PERMISSION_DENIED", "Your API key was reported as leaked."),
    "413": lambda *_: Answer(b"<html>Too large</html>", 413, "text/html"),
}
"""What can be planned, by name; besides these `hang` and `held`."""


def small_talk(asked: Asked) -> str:
    """A line that tells its request: the number and the length of what was asked."""
    return f"reply {asked.number} to {len(asked.text)} characters"


def at_once(_: int) -> float:
    return 0.0


def lognormal_latency(median: float, sigma: float = 0.4, seed: int = 0) -> Callable[[int], float]:
    """Latencies in seconds by request number, lognormal around `median`."""
    return lambda number: lognormal(median, sigma, draw(seed, "latency", number))


def faults_by_chance(shares: Mapping[str, float], seed: int = 0) -> Callable[[int], str]:
    """A plan that gives each named fault its share of the requests, by their numbers; the rest is `ok`."""

    def plan(number: int) -> str:
        u = draw(seed, "fault", number)
        for name, share in shares.items():
            if u < share:
                return name
            u -= share
        return "ok"

    return plan


def in_order(names: Iterable[str]) -> Callable[[int], str]:
    """A plan that goes through `names` once, then stays with `ok`."""
    rest = chain(names, repeat("ok"))
    return lambda _: next(rest)


@dataclass
class FakeGemini:
    """The server. `plan` names the answer to each request; `requests` keeps the last `keep` of them."""

    say: Callable[[Asked], str] = small_talk
    plan: Callable[[int], str] | Sequence[str] = ()
    latency: Callable[[int], float] = at_once
    keep: int = 1000
    asked: type[Asked] = Asked
    requests: deque[Asked] = field(init=False)
    count: int = field(default=0, init=False)
    in_flight: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.requests = deque(maxlen=self.keep)
        self._plan = self.plan if callable(self.plan) else in_order(self.plan)
        self._held: list[Callable[[], None]] = []
        self._watched: list[tuple[int, asyncio.Event]] = []
        self._connections: set[_Connection] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), host, port, backlog=4096)
        self.port = int(self._server.sockets[0].getsockname()[1])
        self.url = f"http://{host}:{self.port}"

    async def close(self) -> None:
        self._server.close()
        for connection in tuple(self._connections):
            connection.transport.abort()
        await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def reached(self, in_flight: int) -> None:
        """Return once that many requests are waiting for their answers at the same time."""
        arrived = asyncio.Event()
        self._watched.append((in_flight, arrived))
        self._tell()
        await arrived.wait()

    def release(self) -> None:
        """Answer everything that is held."""
        held, self._held = self._held, []
        for answer in held:
            answer()

    def handle(self, path: str, headers: Mapping[str, str], body: bytes, connection: "_Connection") -> None:
        """Keep the request and answer it, at once or after its latency."""
        self.count += 1
        self.in_flight += 1
        asked = self.asked(self.count, path, headers, json.loads(body) if body else {})
        self.requests.append(asked)
        self._tell()
        name = self._plan(asked.number)
        if name == HANG:
            return
        if name == HELD:
            self._held.append(lambda: connection.answer(self._answer("ok", asked)))
            return
        delay = self.latency(asked.number)
        answer = self._answer(name, asked)
        if delay > 0:
            asyncio.get_running_loop().call_later(delay, connection.answer, answer)
        else:
            connection.answer(answer)

    def _answer(self, name: str, asked: Asked) -> Answer:
        if not asked.path.endswith(":generateContent"):
            return failed(404, "NOT_FOUND", f"{asked.path} is not served here.")
        return ANSWERS[name](asked, self.say(asked))

    def _tell(self) -> None:
        for level, arrived in self._watched:
            if self.in_flight >= level:
                arrived.set()


class _Connection(asyncio.Protocol):
    """One keep-alive connection; requests on it come one after the other."""

    transport: asyncio.Transport

    def __init__(self, gemini: FakeGemini) -> None:
        self._gemini = gemini
        self._buffer = bytearray()
        self._waiting = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._gemini._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._gemini._connections.discard(self)
        self._gemini.in_flight -= self._waiting
        self._waiting = 0

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            request, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            whole = end + 4 + int(headers.get("content-length", "0"))
            if len(self._buffer) < whole:
                return
            body = bytes(self._buffer[end + 4 : whole])
            del self._buffer[:whole]
            self._waiting += 1
            self._gemini.handle(request.split(" ")[1], headers, body, self)

    def answer(self, answer: Answer) -> None:
        if self.transport.is_closing():
            return
        self._waiting -= 1
        self._gemini.in_flight -= 1
        if answer.ending == "keep":
            self.transport.write(answer.encoded())
        elif answer.ending == "cut":
            whole = answer.encoded()
            self.transport.write(whole[: -len(answer.body) // 2])
            self.transport.close()
        else:
            # with a linger of zero seconds a close is sent as RST instead of FIN
            plug = self.transport.get_extra_info("socket")
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()


def _shares(text: str) -> dict[str, float]:
    shares = {name: float(share) for name, _, share in (part.partition("=") for part in text.split(",") if part)}
    for name in shares.keys() - ANSWERS.keys() - {HANG}:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join([*ANSWERS, HANG])}")
    return shares


async def _serve(options: argparse.Namespace) -> None:
    latency = lognormal_latency(options.latency_median_ms / 1000, options.latency_sigma, options.seed)
    gemini = FakeGemini(
        plan=faults_by_chance(options.plan, options.seed),
        latency=latency if options.latency_median_ms > 0 else at_once,
        keep=options.keep,
    )
    await gemini.start(options.host, options.port)
    # whoever started this reads the address from the first line
    sys.stdout.write(f"{gemini.url}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fake_gemini", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: a free one; the address is printed")
    parser.add_argument("--latency-median-ms", type=float, default=0.0)
    parser.add_argument(
        "--latency-sigma", type=float, default=0.4, help="standard deviation of the latency's logarithm"
    )
    parser.add_argument("--plan", type=_shares, default={}, help="shares of faults, such as 429=0.02,reset=0.01")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=int, default=0, help="how many requests to remember")
    try:
        asyncio.run(_serve(parser.parse_args()))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
