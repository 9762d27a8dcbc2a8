"""WebSocket frames that no page would send: random, mutated, half-right. All by a seed."""

import json
import random
from collections.abc import Callable, Iterator, Sequence

from tests.wire import BINARY, CLOSE, PING, PONG, TEXT, Client

ODD_TEXTS = (
    "", "\0", "\ud800", "é" * 50, "🎈" * 30, "a" * 3000, "\u202e\u200b", "{name}", "' OR 1=1 --", "1e999", "NaN", "\n",
    "__proto__", "../../etc/passwd", "<script>", "user", "Alice", "ALICE", "\x7f\x1b[2J", "%s%n", "0" * 101,
)  # fmt: skip
ODD_VALUES: tuple[object, ...] = (
    None, True, False, 0, -1, 1.5, 10**400, float("inf"), float("nan"), [], {}, [[[[]]]], {"a": {"b": []}},
    [None] * 100, {"": ""}, {"type": "user_message"},
)  # fmt: skip
ODD_CODES = (0, 999, 1000, 1001, 1005, 1006, 1012, 4001, 4999, 65535)


class Frames:
    """Draws what to send. `message_ids` are ids that the session knows, for frames that are nearly right."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._count = 0
        self.message_ids: list[str] = []

    def texts(self, count: int) -> Iterator[str]:
        for _ in range(count):
            yield self.text()

    def text(self) -> str:
        """One frame's text: half of them JSON of our kind with something wrong, or right."""
        self._count += 1
        ways: Sequence[tuple[float, Callable[[], str]]] = (
            (0.15, self._right),
            (0.30, self._wrong_values),
            (0.30, lambda: self._mutated(self._right())),
            (0.10, lambda: self._mutated(self._wrong_values())),
            (0.05, self._deep),
            (0.05, self._large),
            (0.05, self._noise),
        )
        return self._random.choices([way for _, way in ways], [weight for weight, _ in ways])[0]()

    def disturb(self, client: Client) -> None:
        """Send what breaks a socket, or nearly: parts, binary, controls, headers that lie."""
        chance = self._random
        payload = chance.randbytes(chance.choice((0, 1, 2, 125, 126, 300)))
        text = self.text().encode("utf-8", "surrogatepass")
        deeds: Sequence[Callable[[], None]] = (
            lambda: client.write(BINARY, text),
            lambda: client.write(BINARY, payload),
            lambda: _in_parts(client, text),
            lambda: client.write(TEXT, payload),
            lambda: client.write(PING, payload[:125]),
            lambda: client.write(PONG, payload[:125]),
            lambda: client.write(CLOSE, chance.choice(ODD_CODES).to_bytes(2)),
            lambda: client.write(CLOSE, payload[:1]),
            lambda: client.write(chance.choice((3, 7, 11, 15)), payload),
            lambda: client.raw(b"\x81\x05hello"),
            lambda: client.raw(b"\xf1\x80\0\0\0\0"),
            lambda: client.raw(b"\x81\xff" + (2**62).to_bytes(8) + b"\0\0\0\0"),
            lambda: client.raw(payload),
            lambda: client.write(0, payload),
            client.drop,
            client.close,
        )
        chance.choice(deeds)()

    def _right(self) -> str:
        chance, number = self._random, self._count
        known = chance.choice(self.message_ids) if self.message_ids else "m1"
        frames: Sequence[dict[str, object]] = (
            {"type": "user_message", "content": f"words {number}", "client_id": f"f{number}"},
            {"type": "user_message", "content": "an answer", "client_id": f"f{number}", "reply_to": known},
            {"type": "reaction", "message_id": known, "emoji": "👍"},
            {"type": "report", "message_id": known, "reason": "rude"},
            {"type": "block", "member": "Alice", "blocked": chance.random() < 0.5},
            {"type": "typing", "active": True, "chars": number},
            {"type": "seen", "seq": number},
            {"type": "visibility", "visible": False},
        )
        return json.dumps(chance.choice(frames), ensure_ascii=chance.random() < 0.5)

    def _wrong_values(self) -> str:
        frame: dict[str, object] = json.loads(self._right())
        for key in self._random.sample(sorted(frame), self._random.randint(1, len(frame))):
            frame[key] = self._random.choice(self._random.choice((ODD_TEXTS, ODD_VALUES)))
        if self._random.random() < 0.2:
            frame[self._random.choice(ODD_TEXTS)] = self._random.choice(ODD_VALUES)
        return json.dumps(frame)

    def _mutated(self, text: str) -> str:
        characters = list(text)
        for _ in range(self._random.randint(1, 4)):
            at = self._random.randrange(len(characters) + 1)
            match self._random.randrange(5):
                case 0:
                    del characters[at : at + self._random.randint(1, 8)]
                case 1:
                    characters.insert(at, chr(self._random.choice((0, 34, 44, 58, 92, 91, 123, 125, 0xD800, 0x1F388))))
                case 2:
                    characters[at:at] = characters[: self._random.randint(0, 20)]
                case 3:
                    characters[at : at + 1] = self._random.choice('0123456789eE+-."\\/ntrue')
                case _:
                    del characters[at:]
        return "".join(characters)

    def _deep(self) -> str:
        deep = self._random.choice((9, 60, 400, 1500))
        inside = "[" * deep + "]" * deep
        if self._random.random() < 0.5:
            inside = '{"a":' * deep + "1" + "}" * deep
        return f'{{"type":"{self._random.choice(("typing", "user_message", "seen"))}","content":{inside}}}'

    def _large(self) -> str:
        size = self._random.choice((1999, 2000, 2001, 4096, 16383, 20000, 60000))
        return json.dumps({"type": "user_message", "content": "x" * size, "client_id": f"f{self._count}"})

    def _noise(self) -> str:
        return self._random.randbytes(self._random.randint(0, 200)).decode("latin-1")


def _in_parts(client: Client, text: bytes) -> None:
    middle = len(text) // 2
    client.write(TEXT, text[:middle], last=False)
    client.write(0, text[middle:])
