"""The only door to a participant: what may be seen of a session, as an allow-list.

No prompt, treatment, model or cost passes here, nor anything that only an AI has; the participant and the agents
look the same on the wire.
"""

from collections.abc import Callable
from hashlib import sha256
from pathlib import PurePath
from typing import Literal

from roomful.codec import timestamp
from roomful.core.events import (
    USER,
    Entry,
    MessagePosted,
    ReactionSet,
    ReceiptGiven,
    SessionEnded,
    SessionStarted,
    TurnDropped,
    TypingStarted,
)
from roomful.core.state import Message, SessionState
from roomful.core.study import IN_DISTRESS, SimulationSettings
from roomful.outcomes import WayOut

type Frame = dict[str, object]

type Leads = Callable[[str, SimulationSettings], WayOut]
"""Gives the way out of a session with these settings for the reason of its end."""

PROTOCOL = 2

_PUBLIC_REASONS = {"duration_expired", "participant_left", "participant_withdrew", "websocket_disconnect"}
"""Reasons of an end that a participant is told; any other might tell how the room works and is `ended`."""


def plainly(reason: str, settings: SimulationSettings) -> WayOut:
    """The way out of a study that declares none: that of the settings."""
    return WayOut(end_text(reason, settings), None, settings.end_url)


def end_text(reason: str, settings: SimulationSettings) -> str | None:
    """What the settings say that the participant reads at the end; None: the page's own words."""
    help_text = settings.distress.help_text if reason == IN_DISTRESS else None
    return help_text or settings.end_text


def picture_path(file: str) -> str:
    """Where the page finds a picture: a name that tells nothing, since a file may be called `bot2.png`."""
    suffix = PurePath(file).suffix.lower()
    return f"pictures/{sha256(file.encode()).hexdigest()[:16]}{suffix}"


class View:
    """A session as its participant may see it. `started` is when its clock was 0, in microseconds since the epoch.

    `leads` gives the way out.
    """

    def __init__(self, session: SessionStarted, started: int, leads: Leads = plainly) -> None:
        self._session = session
        self._started = started
        self._leads = leads

    def hello(self, state: SessionState, now: float, max_message_chars: int, *, may_delete: bool = False) -> Frame:
        """The first frame of protocol 2: who is here, until when, and the last number there is."""
        settings = self._session.simulation_config
        hello: Frame = {
            "type": "hello",
            "protocol": PROTOCOL,
            "group": {
                "name": settings.group_name,
                "picture": picture_path(settings.group_picture) if settings.group_picture else None,
            },
            "members": list(settings.agent_names),
            "you": self._session.participant_name,
            "now": timestamp(self._started, now),
            "ends_at": timestamp(self._started, settings.session_duration_minutes * 60),
            "seq": state.shown,
            "ended": state.ended is not None,
            "blocked": list(state.blocked),
            "pictures": {name: picture_path(file) for name, file in settings.member_pictures.items()},
            "record_activity": settings.record_activity,
            "max_message_chars": max_message_chars,
        }
        return hello | ({"may_delete": True} if may_delete else {})

    def frame(self, entry: Entry) -> Frame | None:
        """The frame of protocol 2 for what the participant may see of an entry; None for everything else."""
        match entry.event:
            case MessagePosted() as posted:
                return self._message(posted, entry)
            case ReceiptGiven(message_id=message_id, status=status):
                return {"type": "receipt", "seq": entry.shown, "message_id": message_id, "status": status}
            case ReactionSet(message_id=message_id, sender=sender, emoji=emoji):
                frame: Frame = {"type": "reaction", "seq": entry.shown, "message_id": message_id}
                return frame | {"sender": self._name(sender), "emoji": emoji}
            case SessionEnded(reason=reason):
                return self.end(reason, entry.shown or 0)
            case _:
                return None

    def acknowledgement(self, message: Message) -> Frame:
        """The message frame once more, for a `client_id` that is already known."""
        frame: Frame = {
            "type": "message",
            "seq": message.shown,
            "message_id": message.message_id,
            "sender": self._name(message.sender),
            "content": message.content,
            "timestamp": timestamp(self._started, message.at),
            "client_id": message.client_id,
        }
        return frame | ({"reply_to": message.reply_to} if message.reply_to else {})

    def end(self, reason: str, seq: int) -> Frame:
        """The last frame: why it is over, and where to go next."""
        public = reason if reason in _PUBLIC_REASONS else "ended"
        way_out = self._leads(reason, self._session.simulation_config)
        where = {"text": way_out.text, "url": way_out.url} | ({"code": way_out.code} if way_out.code else {})
        return {"type": "session_end", "seq": seq, "reason": public, "next": where}

    def bubble(self, entry: Entry) -> Frame | None:
        """The frame of protocol 1 for an agent's message; None for everything else."""
        match entry.event:
            case MessagePosted(sender=sender) as posted if sender != USER:
                return {
                    "sender": sender,
                    "content": posted.content,
                    "timestamp": timestamp(self._started, entry.at),
                    "message_id": posted.message_id,
                }
            case _:
                return None

    def _message(self, posted: MessagePosted, entry: Entry) -> Frame:
        frame: Frame = {
            "type": "message",
            "seq": entry.shown,
            "message_id": posted.message_id,
            "sender": self._name(posted.sender),
            "content": posted.content,
            "timestamp": timestamp(self._started, entry.at),
        }
        if posted.reply_to:
            frame["reply_to"] = posted.reply_to
        if posted.client_id:
            frame["client_id"] = posted.client_id
        return frame

    def _name(self, sender: str) -> str:
        return self._session.participant_name if sender == USER else sender


class Typing:
    """Who is typing, as told to one socket: a member types while at least one of its turns does."""

    def __init__(self, state: SessionState) -> None:
        # who does not type yet is still to be woken for it
        begun = (turn for turn in state.turns.values() if f"typing:{turn.turn_id}" not in state.alarms)
        self._turns = {turn.turn_id: turn.agent_name for turn in begun}

    def members(self) -> list[str]:
        """Those who are typing now."""
        return sorted(set(self._turns.values()))

    def take(self, entry: Entry) -> Frame | None:
        """The frame that an entry gives before anything else of it is shown, if it changes who is typing."""
        match entry.event:
            case TypingStarted(sender=sender, turn_id=turn_id):
                before = sender in self._turns.values()
                self._turns[turn_id] = sender
                return None if before else typing(sender, active=True)
            case MessagePosted(turn_id=str(turn_id)) | TurnDropped(turn_id=turn_id):
                stopped = self._turns.pop(turn_id, None)
                still = stopped is None or stopped in self._turns.values()
                return None if still else typing(stopped or "", active=False)
            case _:
                return None


def typing(sender: str, *, active: bool) -> Frame:
    """Somebody who means to post began or stopped typing. It has no number: it is of the moment."""
    return {"type": "typing", "sender": sender, "active": active}


def refused(reason: str, message: str, client_id: str | None = None) -> Frame:
    """The client's frame was not taken, and why."""
    frame: Frame = {"type": "refused", "reason": reason, "message": message}
    return frame | ({"client_id": client_id} if client_id is not None else {})


type ProtocolNumber = Literal[1, 2]
