"""What holds for every store, wherever it keeps its lines: who may append, and what a line may hold."""

from collections.abc import Mapping, Sequence

from roomful.store import Fenced, Line, SessionRow


def check_lines(lines: Sequence[Line]) -> None:
    """Raise ValueError unless every line can be kept by every store, and stands on one line of a file."""
    for line in lines:
        # one line that a database refuses would take down all that share its transaction
        if not line.text.isascii() or "\n" in line.text or "\0" in line.text:
            raise ValueError(f"line {line.seq}: expected one line of ASCII without NUL")


def check_texts(row: SessionRow, texts: Mapping[int, str]) -> None:
    """Raise ValueError unless these texts can take the place of lines that the session has."""
    for seq, text in texts.items():
        if not 1 <= seq <= row.head:
            raise ValueError(f"session {row.session_id} has no line {seq}: it ends with {row.head}")
        check_lines([Line(seq, text, "")])


def advance(row: SessionRow | None, epoch: int, lines: Sequence[Line]) -> SessionRow:
    """Return the row as it is after its owner `epoch` has appended `lines`, or raise Fenced.

    The very lines that were stored last are taken again without a change: their owner asks a second time when
    it could not learn how the first time ended.
    """
    if row is None:
        raise Fenced("nobody may append to a session that was never given out")
    if epoch != row.epoch:
        raise Fenced(f"session {row.session_id} has been claimed since: epoch {row.epoch}, the append's is {epoch}")
    last = lines[-1]
    if [line.seq for line in lines] == list(range(row.head + 1, row.head + 1 + len(lines))):
        return SessionRow(
            row.session_id, row.created, row.epoch, last.seq, last.hash, last.ended or row.ended, row.about
        )
    if (last.seq, last.hash) == (row.head, row.head_hash):
        return row
    raise Fenced(f"session {row.session_id} is at line {row.head}, the append begins with line {lines[0].seq}")


def reserve(row: SessionRow | None, session_id: str, created: float, about: str) -> SessionRow:
    """Return the row of a session given out now; ValueError if it has been given out to somebody else."""
    new = SessionRow(session_id, created, epoch=0, head=0, head_hash="", ended=None, about=about)
    if row is None:
        return new
    if (row.created, row.about) != (created, about):
        raise ValueError(f"session {session_id} has been given out before")
    return row
