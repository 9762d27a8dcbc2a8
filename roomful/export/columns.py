"""The columns of every table of an export, described once: what is written, and the codebook, come from here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from roomful.codec import EVENT_TYPES
from roomful.outcomes import OUTCOME_NAMES
from roomful.target_settings import MEASURES

type Kind = Literal["text", "integer", "number", "boolean", "time", "json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column. `unit` and `allowed` are empty where there is none; `private`: left out of anonymized exports."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    allowed: tuple[str, ...] = ()
    private: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table: what a row of it is, and its columns in order."""

    name: str
    row: str
    columns: tuple[Column, ...]

    def kept(self, *, anonymized: bool) -> tuple[Column, ...]:
        """The columns that an export has."""
        return tuple(column for column in self.columns if not (anonymized and column.private))


def _text(name: str, meaning: str, *allowed: str, private: bool = False) -> Column:
    return Column(name=name, kind="text", meaning=meaning, allowed=allowed, private=private)


def _integer(name: str, meaning: str, unit: str = "") -> Column:
    return Column(name=name, kind="integer", meaning=meaning, unit=unit)


def _number(name: str, meaning: str, unit: str = "") -> Column:
    return Column(name=name, kind="number", meaning=meaning, unit=unit)


def _boolean(name: str, meaning: str) -> Column:
    return Column(name=name, kind="boolean", meaning=meaning, allowed=("true", "false"))


def _time(name: str, meaning: str) -> Column:
    return Column(name=name, kind="time", meaning=meaning, unit="UTC, ISO 8601, milliseconds")


def _json(name: str, meaning: str, *, private: bool = False) -> Column:
    return Column(name=name, kind="json", meaning=meaning, private=private)


_SESSION = _text("session_id", "The session, and the participation: the key between the tables.")
_TEST = _boolean("test", "Whether it is a test run, by the demo token or a token made for it: counted nowhere.")
_TREATMENT = _text("treatment", "The treatment; missing in a study without treatments.")
_STRATUM = _json("stratum", "The stratum within which it was assigned: a value of each declared variable, in order.")
_SEQ = _integer("seq", "The number of the entry in the session's log.")
_AT = _number("elapsed", "The same in the session's own time.", "seconds since the session's start")
_METHODS = ("token", "least_filled", "blocks")

ESCAPED = _text(
    "escaped",
    "The columns of this row whose text holds a NUL or half of a surrogate pair, which no CSV can hold: there the cell "
    "is the text as a JSON string. Names, separated by spaces; nearly always missing.",
)
"""The last column of every table."""

TABLES: tuple[Table, ...] = (
    Table(
        "participants",
        "somebody who was let in",
        (
            _SESSION,
            _integer("number", "1, 2, 3 … in the order of arrival."),
            _TEST,
            _text("entry", "How they came in.", "token", "link", "demo"),
            _text("link", "The name of the entry link."),
            _text("token_label", "The label of the token.", private=True),
            _text("participant_id", "Who they are to the panel, or to whoever made the token.", private=True),
            _json("parameters", "All parameters that the entry link brought.", private=True),
            _TREATMENT,
            _STRATUM,
            _time("arrived_at", "When they were let in."),
            _time("begun_at", "When their first socket was up."),
            _time("chat_ended_at", "When the chat ended."),
            _text("end_reason", "The reason of the session's end."),
            _text("outcome", "What became of the participation; missing while it is under way.", *OUTCOME_NAMES),
            _time("outcome_at", "When that was so."),
            _boolean("consent", "Whether they agreed to take part; missing where that was not asked, or not answered."),
            _boolean("data_consent", "The same of the use of their data."),
            _boolean("released", "Whether their place was given back, for others to fill."),
            ESCAPED,
        ),
    ),
    Table(
        "assignments",
        "an allocation to a treatment",
        (
            _SESSION,
            _time("time", "When it was made."),
            _TEST,
            Column(name="treatment", kind="text", meaning="The treatment."),
            _text("method", "How it was made: for the token, or at the door.", *_METHODS),
            _STRATUM,
            _integer("place", "The number of the place that was opened in the stratum; missing where none was."),
            ESCAPED,
        ),
    ),
    Table(
        "sessions",
        "a session that was given out",
        (
            _SESSION,
            Column(
                name="test",
                kind="boolean",
                meaning="As in participants; missing where the study's log does not know the session.",
                allowed=("true", "false"),
            ),
            _text("state", "How far it is.", "not_started", "live", "ended"),
            _text("end_reason", "Why it ended."),
            _TREATMENT,
            _json("levels", "The level of each factor in the treatment."),
            _text("freeze", "The hash of the frozen study that it was held under; missing where it was not frozen."),
            _text("rehearsal", "The kind of stand-in that was there instead of a participant; missing for people."),
            _time("created_at", "When it was given out."),
            _time("started_at", "When its clock started."),
            _time("ended_at", "When it ended."),
            _number("duration", "How long it was.", "seconds"),
            _text("participant_name", "What the participant was called in the room.", private=True),
            _json("agents", "The names of the agents, in order."),
            _json("sides", "Who was drawn to agree and to disagree with the participant."),
            _text("model", "The model that was asked to speak for the agents."),
            _integer("seed", "The session's seed."),
            _json("versions", "The versions of the program and its parts."),
            _integer("entries", "Entries of its log.", "entries"),
            _integer("erased", "How many of them were erased.", "entries"),
            _integer("messages_participant", "Messages of the participant.", "messages"),
            _integer("messages_agents", "Messages of the agents.", "messages"),
            _integer("llm_calls", "Calls to the model.", "calls"),
            _integer("llm_failures", "Calls that brought no reply.", "calls"),
            _number("llm_degraded", "For how long the model did not serve it, as told at its end.", "seconds"),
            _integer("probes", "Messages of the participant that ask, or say, that somebody is a machine.", "messages"),
            _integer(
                "contradictions",
                "Messages of agents with more of the opposite stance's words than of their own; 0 too where the study "
                "names no such words.",
                "messages",
            ),
            _integer(
                "distress",
                "Messages of the participant with signs of distress; missing where nothing was looked for.",
                "messages",
            ),
            _text("head_hash", "The hash of the last line of its log."),
            ESCAPED,
        ),
    ),
    Table(
        "targets",
        "a target of a session's treatment, measured when the session had ended",
        (
            _SESSION,
            Column(name="target", kind="text", meaning="The target's name."),
            _text("measure", "What was measured.", *MEASURES),
            _number("value", "What came of it; missing where there was nothing to measure.", "a share, or words"),
            _integer("n", "The number of messages, or of agents, that it was measured over."),
            _boolean("met", "Whether it is within the target; missing where there is no limit, or no value."),
            _boolean(
                "excluded",
                "Whether it is beyond the threshold at which the session is to be left out of the analysis; missing "
                "where there is no threshold, or no value.",
            ),
            ESCAPED,
        ),
    ),
    Table(
        "messages",
        "a message in a room",
        (
            _SESSION,
            _SEQ,
            _integer("number", "1, 2, 3 … in the order of posting."),
            _text("message_id", "The message's id."),
            _time("time", "When it was posted."),
            _AT,
            _text("sender", "Who posted it: `user`, or the name of an agent."),
            _boolean("by_participant", "Whether it is the participant's."),
            _text("content", "The message, as it was written."),
            _text("reply_to", "The id of the message that it quotes."),
            _text("turn_id", "The turn in which an agent posted it."),
            _number("late", "How much later than planned an agent's message came.", "seconds"),
            _boolean("fallback", "Whether it is a reviewed line that stands in for a failed call."),
            _integer("seeded", "1, 2, 3 … of the study's seeded messages; missing for all others."),
            _boolean(
                "probe", "Whether the participant asks in it, or says, that somebody is a machine; missing for agents'."
            ),
            _boolean(
                "contradicts",
                "Whether it has more of the opposite stance's words than of its agent's own; missing for the "
                "participant's.",
            ),
            ESCAPED,
        ),
    ),
    Table(
        "llm_calls",
        "a call to the model",
        (
            _SESSION,
            _SEQ,
            _text("call_id", "The call's id."),
            _text("turn_id", "The turn that it was made for."),
            _text("agent_name", "Who was to speak."),
            _time("requested_at", "When it was asked for."),
            _AT,
            _text("model", "The model that was asked."),
            _json("parameters", "What else was said to it."),
            _text("system", "The system prompt."),
            _text("prompt", "The prompt."),
            _text("answering", "The participant's message that is answered."),
            _number("due_in", "How soon the message was due when it was asked for.", "seconds"),
            _time("answered_at", "When the reply, or the failure, came; missing where neither did."),
            _text("answered_by", "The model that answered."),
            _text("provider", "Who served it."),
            _integer("fallback", "Which of the fallbacks answered, from 1; 0: the model that was asked first."),
            _text("response", "The reply as it came."),
            _text("text", "What of it was shown in the room; missing where nothing was."),
            _json("repairs", "What was taken from it so that it could be shown."),
            _text("rejected", "Why nothing of it was shown."),
            _text("error", "The kind of failure."),
            _text("error_message", "What was said of the failure."),
            _number("latency", "How long it took, all attempts included.", "seconds"),
            _integer("input_tokens", "Tokens of what was asked.", "tokens"),
            _integer("output_tokens", "Tokens of the reply.", "tokens"),
            _integer("thinking_tokens", "Tokens of the model's thoughts.", "tokens"),
            _text("finish_reason", "Why the model stopped, in its own words."),
            _json("attempts", "A line for each attempt that failed before."),
            ESCAPED,
        ),
    ),
    Table(
        "answers",
        "an answer of a participant to a question",
        (
            _SESSION,
            _text("source", "Where it comes from: a page, or whoever started the session.", "page", "start"),
            _text("page", "The page on which it was given."),
            _text("page_hash", "The SHA-256 of the page as it was then."),
            _time("time", "When the page was sent."),
            _text("question", "The question's name."),
            _text("answer", "The answer, as text."),
            ESCAPED,
        ),
    ),
    Table(
        "missed_checks",
        "an answer on a page that was sent with a check not passed",
        (
            _SESSION,
            _text("page", "The page."),
            _integer("attempt", "1, 2, 3 … of the times that it was sent so."),
            _time("time", "When the page was sent."),
            _text("question", "The question's name."),
            _text("answer", "The answer, as text; missing where a check was not answered."),
            _boolean("missed", "Whether this is a check that was not passed."),
            ESCAPED,
        ),
    ),
    Table(
        "consents",
        "an answer to a consent",
        (
            _SESSION,
            _text("page", "The page."),
            _time("time", "When it was answered."),
            _text("about", "What was asked for: to take part, or to use the data.", "participation", "data"),
            _text("version", "The version of the page, as it says itself."),
            _text("page_hash", "The SHA-256 of the page as it was then."),
            _boolean("given", "Whether they agreed."),
            ESCAPED,
        ),
    ),
    Table(
        "events",
        "an entry of a session's log",
        (
            _SESSION,
            _SEQ,
            _time("time", "When it happened."),
            _AT,
            Column(
                name="event_type",
                kind="text",
                meaning="What happened, as in the log.",
                allowed=tuple(dict.fromkeys(EVENT_TYPES.values())),
            ),
            _integer("shown", "1, 2, 3 … of what the participant may see; missing for everything else."),
            _text("input", "What led to it, on the first of the entries that it led to."),
            _boolean("erased", "Whether its data were erased."),
            _json("data", "Its data, as they stand in the log; missing where they were erased."),
            ESCAPED,
        ),
    ),
)
"""All tables, in the order of the codebook."""

KINDS: Mapping[Kind, str] = {
    "text": "text, unaltered: a cell may hold line breaks, quotation marks, or begin with =, +, - or @",
    "integer": "a whole number",
    "number": "a number with a decimal point",
    "boolean": "true or false",
    "time": "a time such as 2026-03-02T14:30:20.123Z",
    "json": "JSON, in ASCII",
}
"""What the types of columns mean."""

HEADS = ("table", "column", "type", "unit", "meaning", "allowed_values")
"""The columns of the codebook itself."""


def codebook_rows(*, anonymized: bool) -> list[tuple[str, ...]]:
    """A row for each column of an export."""
    return [
        (table.name, column.name, column.kind, column.unit, column.meaning, " | ".join(column.allowed))
        for table in TABLES
        for column in table.kept(anonymized=anonymized)
    ]


def codebook_page(about: Sequence[str], *, anonymized: bool) -> str:
    """The codebook as Markdown; `about` are paragraphs that tell where the tables come from."""
    lines = ["# Codebook", "", *(line for paragraph in about for line in (paragraph, "")), "| type | |", "|---|---|"]
    lines += [f"| {kind} | {meaning} |" for kind, meaning in KINDS.items()]
    for table in TABLES:
        lines += ["", f"## {table.name}.csv", "", f"A row is {table.row}.", ""]
        lines += ["| column | type | unit | meaning | allowed values |", "|---|---|---|---|---|"]
        for column in table.kept(anonymized=anonymized):
            allowed = ", ".join(f"`{value}`" for value in column.allowed)
            lines.append(f"| `{column.name}` | {column.kind} | {column.unit} | {column.meaning} | {allowed} |")
    return "\n".join([*lines, ""])
