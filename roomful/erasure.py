"""What a participant has said, taken out of every place that Roomful keeps it in. The chains stay whole."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from roomful.codec import CodecError, tombstone
from roomful.core.admission import Erase, Withdraw
from roomful.core.decide import WITHDREW, Refused
from roomful.core.enrolment import ChecksMissed, ConsentAnswered, PageAnswered, ParticipantArrived
from roomful.enrolment import Enrolment
from roomful.store import STUDY, Line, SessionRow, Store, StoreError, UnknownSession
from roomful.study_codec import STUDY_EVENT_TYPES, decode_study

KEPT = '"event_type":"session_end",'
"""In the head of the one line of a session that keeps its data: that it is over, why, and counts of it."""

PERSONAL = (ParticipantArrived, ConsentAnswered, ChecksMissed, PageAnswered)
"""Events of the study's log that tell of a person."""


class LogKeeper(Protocol):
    """Who has copies of logs in files."""

    async def renew(self, session_ids: Collection[str]) -> bool:
        """Write the files of these sessions anew from the store; False where one could not be written."""
        ...


@dataclass(frozen=True, slots=True)
class Erasure:
    """How many sessions were erased, and whether nothing of them is left in the database's files, and in logs."""

    sessions: int
    scrubbed: bool
    renewed: bool = True


class Eraser:
    """Erases sessions that are over. To do it again is safe, and completes what was broken off."""

    def __init__(self, store: Store, enrolment: Enrolment, log_files: LogKeeper) -> None:
        self._store = store
        self._enrolment = enrolment
        self._log_files = log_files

    async def withdraw(self, session_id: str, *, delete: bool) -> Erasure:
        """Note that somebody takes their participation back, and erase it with `delete`.

        Raises UnknownSession, StoreError, and Refused while the session is not over.
        """
        await self._ended(session_id)
        await self._enrolment.reconcile()
        await self._enrolment.submit(Withdraw(session_id=session_id, delete=delete))
        return await self.erase([session_id]) if delete else Erasure(0, scrubbed=True)

    async def erase(self, session_ids: Sequence[str]) -> Erasure:
        """Erase these sessions. Raises as `withdraw` does, before anything is erased."""
        rows = [await self._ended(session_id) for session_id in session_ids]
        # a session may have ended this moment: its end is told before what is done about it
        await self._enrolment.reconcile()
        for row in rows:
            # what is to be done is on record before it is done
            await self._enrolment.submit(Erase(session_id=row.session_id))
        for row in rows:
            await self._erase_session(row)
        await self._erase_people({row.session_id for row in rows})
        scrubbed = await self._store.scrub()
        renewed = await self._log_files.renew([*session_ids, STUDY])
        return Erasure(len(rows), scrubbed, renewed)

    async def catch_up(self) -> None:
        """Erase the sessions that were left with that wish, and are not erased yet. Raises StoreError."""
        known = self._enrolment.state.participations
        wished = [row.session_id for row in await self._store.sessions() if row.ended == WITHDREW]
        if left := [name for name in wished if name in known and not known[name].erased]:
            await self.erase(left)

    async def _ended(self, session_id: str) -> SessionRow:
        row = await self._store.find(session_id)
        if row is None or session_id == STUDY:
            raise UnknownSession(f"no session {session_id} was given out")
        if row.ended is None and row.head:
            raise Refused("not_over", f"Session {session_id} is under way: it has to be ended first.")
        return row

    async def _erase_session(self, row: SessionRow) -> None:
        lines = await self._store.read(row.session_id)
        texts = _tombstones(line for line in lines if KEPT not in line.text[: line.text.find(',"data":')])
        treatment = json.loads(row.about).get("treatment")
        about = json.dumps({"treatment": treatment} if treatment else {})
        await self._store.rewrite(row.session_id, texts, about)

    async def _erase_people(self, session_ids: set[str]) -> None:
        """Take out of the study's log what they answered on pages, and who came by a link."""
        lines = await self._store.read(STUDY)
        heads = [f'"event_type":"{STUDY_EVENT_TYPES[kind]}",' for kind in PERSONAL]
        candidates = [line for line in lines if any(head in line.text[:200] for head in heads)]
        await self._store.rewrite(STUDY, _tombstones(line for line in candidates if _is_of(line, session_ids)))


def _is_of(line: Line, session_ids: set[str]) -> bool:
    try:
        event = decode_study(line.text).event
    except CodecError as fault:
        raise StoreError(f"the study's log cannot be read: {fault}") from fault
    if not isinstance(event, PERSONAL) or event.session_id not in session_ids:
        return False
    # who came by a token, or the demo token, told nothing of themselves
    return not isinstance(event, ParticipantArrived) or event.link is not None


def _tombstones(lines: Iterable[Line]) -> dict[int, str]:
    """The lines that are none yet as tombstones, by their numbers. Raises StoreError for one that is no line."""
    try:
        made = {line.seq: (line.text, tombstone(line.text)) for line in lines}
    except CodecError as fault:
        raise StoreError(f"a log cannot be read: {fault}") from fault
    return {seq: after for seq, (before, after) in made.items() if after != before}
