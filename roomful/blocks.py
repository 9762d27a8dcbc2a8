"""`key: value` lines, as they stand at the head of a page and in its questions, with their faults by line."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from roomful.core.pages import Option
from roomful.rules import Fault, legible, nearest, shown

PLAIN_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,6})?", re.ASCII)
"""How numbers stand in pages."""

_KEY = re.compile(r"([A-Za-z_]+):(?:[ \t]+(.*))?")


@dataclass(frozen=True, slots=True)
class Said:
    """What stands under a key: its text, or the items of a list, each with its line."""

    line: int
    text: str
    items: list[tuple[int, str]]


@dataclass(slots=True)
class Block:
    """`key: value` lines; a key without a value may have `- items` below it, and indented lines go on with a value."""

    said: dict[str, Said]
    faults: list[Fault]
    line: int
    """Where the block begins."""
    asked: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, lines: Iterable[tuple[int, str]], faults: list[Fault], line: int) -> "Block":
        """The block of these lines, each with its number in the file."""
        block, key = cls({}, faults, line), ""
        for number, text in lines:
            bare = text.strip()
            if not bare:
                continue
            if key and (bare == "-" or bare.startswith("- ")) and not block.said[key].text:
                block.said[key].items.append((number, bare[2:].strip()))
            elif key and text[0] in " \t" and block.said[key].text:
                before = block.said[key]
                block.said[key] = Said(before.line, f"{before.text} {bare}", before.items)
            elif found := _KEY.fullmatch(text.rstrip()):
                key = block._begin(found[1], (found[2] or "").strip(), number)
            else:
                block.fault(f"line {number}", shown(bare), "key: value, or - an item below a key without a value")
        return block

    def _begin(self, key: str, value: str, number: int) -> str:
        if key in self.said:
            self.fault(f"line {number}, {key}", "the key more than once", "each key once")
        self.said[key] = Said(number, value, [])
        return key

    def fault(self, key: str, found: str, expected: str) -> None:
        """Tell a fault; its file is not known here."""
        self.faults.append(Fault("", key, found, expected))

    def at(self, key: str) -> str:
        """Where a key stands, or the block's beginning where it is missing."""
        return f"line {self.said[key].line if key in self.said else self.line}, {key}"

    def strays(self, known: Sequence[str]) -> None:
        """Tell of keys that are none of these."""
        for key in self.said:
            if key not in known:
                near = nearest(key, known)
                expected = f"{near} (the nearest known key)" if near else f"one of {', '.join(known)}"
                self.fault(f"line {self.said[key].line}, {legible(key)}", "an unknown key", expected)

    def text(self, key: str, *, required: bool = False) -> str:
        """A text in one line; empty where there is none."""
        said = self.said.get(key)
        if said and said.items:
            self.fault(self.at(key), "a list", "a text")
        elif not said.text if said else required:
            self.fault(self.at(key), "nothing", "a text")
        return said.text if said else ""

    def read[T](self, key: str, default: T, expected: str, reads: Callable[[str], T | None]) -> T:
        """A value that `reads` understands; None from it, or a ValueError, is a fault."""
        text = self.text(key)
        if not text:
            return default
        try:
            value = reads(text)
        except ValueError:
            value = None
        if value is None:
            self.fault(self.at(key), shown(text), expected)
            return default
        return value

    def switch(self, key: str, *, default: bool) -> bool:
        """True or false."""
        words = {"true": True, "yes": True, "false": False, "no": False}
        return self.read(key, default, "true or false", lambda text: words.get(text.lower()))

    def integer(self, key: str, low: int, high: int, default: int) -> int:
        """A whole number within limits."""
        expected = f"an integer from {low} to {high}"
        return self.read(
            key, default, expected, lambda text: int(text) if text.isascii() and low <= int(text) <= high else None
        )

    def decimal(self, key: str, default: Decimal | None = None) -> Decimal | None:
        """A plain number."""
        return self.read(key, default, "a number", lambda text: Decimal(text) if PLAIN_NUMBER.fullmatch(text) else None)

    def choice[W: str](self, key: str, *words: W) -> W:
        """One of some words, the first where there is none."""
        near = nearest(self.said[key].text, words) if key in self.said else None
        expected = f"one of {', '.join(words)}" + (f" (the nearest: {near})" if near else "")
        return self.read(key, words[0], expected, lambda text: next((word for word in words if word == text), None))

    def options(self, key: str, least: int) -> tuple[Option, ...]:
        """A list of `code = label`; where only a label stands it is the code too."""
        said = self.said.get(key)
        expected = f"a list of at least {least} options, each `- code = label` or `- label`"
        if said is None or said.text or len(said.items) < least:
            found = "nothing" if said is None else shown(said.text) if said.text else f"{len(said.items)} of them"
            self.fault(self.at(key), found, expected)
            return ()
        made: dict[str, Option] = {}
        for number, item in said.items:
            code, separator, label = (part.strip() for part in item.partition(" = "))
            option = Option(code, label if separator else code)
            if not option.code or not option.label or re.search(r"[,=\x00-\x1f]|\.\.", code):
                self.fault(f"line {number}, {key}", shown(item), "`code = label`, the code without comma, = and ..")
            elif code in made:
                self.fault(f"line {number}, {key}", f"the code {shown(code)} once more", "a code of its own")
            made[code] = option
        return tuple(made.values())

    def several(self, key: str) -> tuple[str, ...]:
        """A list, or the parts of a text between commas."""
        said = self.said.get(key)
        if said and not said.text and not said.items:
            self.fault(self.at(key), "nothing", "an answer, or several with commas between them")
        if said is None:
            return ()
        return tuple(item for _, item in said.items) or tuple(part.strip() for part in said.text.split(","))
