"""A mapping that changes by making another one, in a time that hardly grows with its size."""

from collections.abc import Iterator, Mapping
from zlib import crc32

_BUCKETS = 256


class Table[V](Mapping[str, V]):
    """Text to values. `put` returns a table with one more, or another, value; this one stays as it is.

    A study has thousands of participants: copying a dict of them with every event would take longer than all else.
    """

    __slots__ = ("_buckets", "_size")

    def __init__(self) -> None:
        self._buckets: tuple[Mapping[str, V], ...] = ({},) * _BUCKETS
        self._size = 0

    def put(self, key: str, value: V) -> "Table[V]":
        """Return the table with this value under this key."""
        return self._with(key, {**self._bucket(key), key: value})

    def without(self, key: str) -> "Table[V]":
        """Return the table without this key, which need not be there."""
        bucket = self._bucket(key)
        if key not in bucket:
            return self
        return self._with(key, {name: value for name, value in bucket.items() if name != key})

    def _bucket(self, key: str) -> Mapping[str, V]:
        return self._buckets[_place(key)]

    def _with(self, key: str, bucket: Mapping[str, V]) -> "Table[V]":
        place = _place(key)
        made: Table[V] = Table()
        made._size = self._size + len(bucket) - len(self._buckets[place])
        made._buckets = (*self._buckets[:place], bucket, *self._buckets[place + 1 :])
        return made

    def __getitem__(self, key: str) -> V:
        return self._bucket(key)[key]

    def __iter__(self) -> Iterator[str]:
        for bucket in self._buckets:
            yield from bucket

    def __len__(self) -> int:
        return self._size


def _place(key: str) -> int:
    # not hash(): what it gives for a text differs from process to process, and with it the order of the keys
    return crc32(key.encode("utf-8", "surrogatepass")) % _BUCKETS
