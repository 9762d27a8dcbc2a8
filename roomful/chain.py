"""The hash chain of a log, checked from the text of its lines alone: what was changed in it, and where."""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from roomful.codec import GENESIS, chain, digest

_HEX = 64
"""Characters of a hash."""
_SALT, _DIGEST, _HASH, _DATA = ',"salt":"', ',"digest":"', '","hash":"', '","data":'
_BEGIN = _HEX + len(_DATA)
"""Where the data begin behind a hash."""
_SEQ = re.compile(r',"seq":([1-9][0-9]{0,15}),')


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong with a log. `line` counts the lines of the text from 1."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a chain's check has found. `head` is the hash after the last line, `erased` counts the tombstones."""

    lines: int
    head: str
    erased: int
    faults: tuple[Fault, ...]


class _Link(NamedTuple):
    """A line of the chain, taken apart."""

    seq: int
    head: str
    digest: str
    said: str
    erased: bool

    def after(self, previous: str) -> str:
        """The hash that this line should have after that of the line before."""
        return chain(previous, self.head, self.digest)


def check_chain(lines: Sequence[str]) -> Checked:
    """Check a log's lines, without their newlines, from the first on. Never raises."""
    link = GENESIS
    for seq, text in enumerate(lines, 1):
        # the way of nearly every line of nearly every log; whatever is not so is looked at closely
        head, _, rest = text.partition(_SALT)
        salt, _, rest = rest.partition(_HASH)
        said, followed, data = rest[:_HEX], rest[_HEX:_BEGIN], rest[_BEGIN:-1]
        link = chain(link, head, digest(salt, data))
        if said != link or followed != _DATA or text[-1:] != "}" or f',"seq":{seq},' not in head:
            return _look_closely(lines)
    return Checked(len(lines), link, 0, ())


def _look_closely(lines: Sequence[str]) -> Checked:
    links = [_parse(text) for text in lines]
    known = {link.seq: link for link in reversed(links) if link}
    faults = [Fault(number, "is not a line of a log") for number, link in enumerate(links, 1) if link is None]
    faults += _out_of_order(links)
    faults += _changed(links, known)
    last = next((link for link in reversed(links) if link), None)
    erased = sum(link.erased for link in links if link)
    return Checked(len(lines), last.said if last else GENESIS, erased, tuple(sorted(faults)))


def _out_of_order(links: Sequence[_Link | None]) -> list[Fault]:
    """Numbers that are missing, stand twice, or stand where they do not belong."""
    faults: list[Fault] = []
    present = {link.seq for link in links if link}
    # a line that cannot be read has been told of: it may be the one that is missing
    unreadable = {number for number, link in enumerate(links, 1) if link is None}
    seen: set[int] = set()
    highest = 0
    for number, link in enumerate(links, 1):
        if link is None:
            continue
        if missing := _missing(highest + 1, link.seq - 1, present | unreadable):
            faults.append(Fault(number, f"{missing} missing before it"))
        if link.seq in seen:
            faults.append(Fault(number, f"number {link.seq} stands here once more: a line was put in"))
        elif link.seq < highest:
            faults.append(Fault(number, f"number {link.seq} stands behind number {highest}: lines were moved"))
        seen.add(link.seq)
        highest = max(highest, link.seq)
    return faults


def _missing(first: int, last: int, present: AbstractSet[int]) -> str:
    """The numbers from `first` to `last` that are not present, in words; empty if there are none."""
    while first <= last and first in present:
        first += 1
    while first <= last and last in present:
        last -= 1
    if first > last:
        return ""
    return f"number {first} is" if first == last else f"numbers {first} to {last} are"


def _changed(links: Sequence[_Link | None], known: Mapping[int, _Link]) -> list[Fault]:
    """Lines whose hash is not what they and the line before them give."""
    faults: list[Fault] = []
    for number, link in enumerate(links, 1):
        if link is None:
            continue
        right = _hash_of(link.seq, known)
        before, following = _hash_of(link.seq - 1, known), known.get(link.seq + 1)
        if right is None or right == link.said or (before and link.after(before) == link.said):
            # in the second case it is the hash of the line before that is wrong, which is told of there
            continue
        if following and following.after(right) == following.said:
            faults.append(Fault(number, "its hash was changed"))
        elif number == 1:
            faults.append(Fault(number, "it was changed"))
        else:
            faults.append(Fault(number, f"it was changed (or line {number - 1} was, and its hash with it)"))
    return faults


def _hash_of(seq: int, known: Mapping[int, _Link]) -> str | None:
    """What the hash of this line should be after the line before as that stands there; None if one is missing."""
    link, before = known.get(seq), known.get(seq - 1)
    if link is None or (before is None and seq != 1):
        return None
    return link.after(before.said if before else GENESIS)


def _parse(text: str) -> _Link | None:
    for key, erased in ((_SALT, False), (_DIGEST, True)):
        head, found, rest = text.partition(key)
        value, _, rest = rest.partition(_HASH)
        said, followed, data = rest[:_HEX], rest[_HEX:_BEGIN], rest[_BEGIN:]
        number = _SEQ.search(head)
        if not (found and number and followed == _DATA and data[-1:] == "}"):
            continue
        if erased and data != "null}":
            continue
        fingerprint = value if erased else digest(value, data[:-1])
        return _Link(int(number[1]), head, fingerprint, said, erased)
    return None
