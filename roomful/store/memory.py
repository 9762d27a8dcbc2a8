"""A store that forgets: for tests and rehearsals."""

from collections.abc import Mapping, Sequence

from roomful.store import STUDY, Folded, Line, SessionRow, UnknownSession, rules


class MemoryStore:
    """Sessions and their lines in this process, gone with it."""

    lasting = False

    def __init__(self) -> None:
        self._rows: dict[str, SessionRow] = {}
        self._lines: dict[str, list[Line]] = {}
        self._folded: dict[str, Folded] = {}

    async def reserve(self, session_id: str, created: float, about: str) -> None:
        self._rows[session_id] = rules.reserve(self._rows.get(session_id), session_id, created, about)
        self._lines.setdefault(session_id, [])

    async def claim(self, session_id: str) -> SessionRow:
        row = self._rows.get(session_id)
        if row is None:
            raise UnknownSession(session_id)
        self._rows[session_id] = row._replace(epoch=row.epoch + 1)
        return self._rows[session_id]

    async def append(self, session_id: str, epoch: int, lines: Sequence[Line], folded: Folded | None = None) -> None:
        if not lines:
            return
        rules.check_lines(lines)
        row = self._rows.get(session_id)
        after = rules.advance(row, epoch, lines)
        if row is not after:
            self._rows[session_id] = after
            self._lines[session_id].extend(lines)
            if folded:
                self._folded[session_id] = folded
            if after.ended:
                self._folded.pop(session_id, None)

    async def folded(self, session_id: str) -> Folded | None:
        return self._folded.get(session_id)

    async def read(self, session_id: str, after: int = 0) -> list[Line]:
        return self._lines.get(session_id, [])[after:]

    async def read_shown(self, session_id: str, after: int = 0) -> list[Line]:
        lines = self._lines.get(session_id, [])
        return [line for line in lines if line.shown is not None and line.shown > after]

    async def first(self, session_id: str) -> Line | None:
        return next(iter(self._lines.get(session_id, [])), None)

    async def find(self, session_id: str) -> SessionRow | None:
        return self._rows.get(session_id)

    async def sessions(self, *, live: bool = False) -> list[SessionRow]:
        rows = sorted(self._rows.values(), key=lambda row: (row.created, row.session_id))
        found = [row for row in rows if row.session_id != STUDY]
        return [row for row in found if not live or (row.head > 0 and row.ended is None)]

    async def rewrite(self, session_id: str, texts: Mapping[int, str], about: str | None = None) -> None:
        row = self._rows.get(session_id)
        if row is None:
            raise UnknownSession(session_id)
        rules.check_texts(row, texts)
        lines = self._lines[session_id]
        for seq, text in texts.items():
            lines[seq - 1] = lines[seq - 1]._replace(text=text)
        self._folded.pop(session_id, None)
        self._rows[session_id] = row._replace(about=row.about if about is None else about)

    async def scrub(self) -> bool:
        """Nothing is left where a text was."""
        return True

    async def check(self) -> None:
        """Memory can always be written."""

    async def close(self) -> None:
        """Nothing is open."""
