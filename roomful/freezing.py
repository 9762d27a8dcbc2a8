"""What a study is made of, as a list of parts and one hash over all: the canonical form of docs/freeze.md."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from roomful.rules import parse_json, read_text

SETTINGS_FILES = ("experimental_settings.json", "simulation_settings.json", "study.json")
"""The files whose keys are parts of their own; the last one may be missing."""

PAGES, PICTURES = "**/*.md", "pictures/*"
"""The other files that are parts, each as a whole."""

NOT_OURS = frozenset({"README.md", "preregistration.md"})
"""Pages about a study, which nothing of it depends on."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The parts of a study: name to what stands there in short, by which a change can be named."""

    parts: Mapping[str, str]

    @property
    def hash(self) -> str:
        """The hash over all parts, in hex."""
        return _digest(canonical(dict(sorted(self.parts.items()))))


def parts_of(folder: Path) -> dict[str, str]:
    """The parts that a study's files make. Raises Wrong for one that cannot be read, OSError."""
    return _of_settings(folder) | dict(_of_files(folder))


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The parts that differ, in words."""
    told = []
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            told.append(f"{name} is gone")
        elif name not in before:
            told.append(f"{name} is new")
        elif before[name] != after[name]:
            plainly = name == "model" or name.startswith("version: ")
            told.append(f"{name} is {after[name]}, it was {before[name]}" if plainly else f"{name} was changed")
    return told


def canonical(value: object) -> str:
    """JSON without spaces, in ASCII, keys in their order, whole numbers without a point."""
    return json.dumps(_plain(value), separators=(",", ":"), allow_nan=False)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _of_settings(folder: Path) -> dict[str, str]:
    parts = {}
    for name in SETTINGS_FILES:
        path = folder / name
        if name == SETTINGS_FILES[-1] and not path.exists():
            continue
        found = parse_json(read_text(path))
        for key, value in found.items() if isinstance(found, dict) else ():
            parts[f"{name}: {key}"] = _digest(canonical(value))
    return parts


def _of_files(folder: Path) -> Iterator[tuple[str, str]]:
    for path in {*folder.glob(PAGES), *folder.glob(PICTURES)}:
        name = path.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") for part in name.split("/"))
        if path.is_file() and not hidden and name not in NOT_OURS:
            yield name, sha256(path.read_bytes()).hexdigest()


def _digest(text: str) -> str:
    return sha256(text.encode("ascii")).hexdigest()
