"""Values that change by being made anew."""

from collections.abc import Hashable, Mapping
from functools import cache
from typing import Any, NamedTuple, cast


def amended[T: tuple[Any, ...]](record: T, changes: Mapping[str, Any]) -> T:
    """What a named tuple's `_replace` does, in half the time: every entry of every session passes here."""
    kind = type(record)
    places, values = _places(kind), list(record)
    for name, value in changes.items():
        values[places[name]] = value
    return tuple.__new__(kind, values)


@cache
def _places(kind: Hashable) -> Mapping[str, int]:
    return {name: place for place, name in enumerate(cast(type[NamedTuple], kind)._fields)}
