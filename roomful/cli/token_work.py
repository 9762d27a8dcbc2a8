"""`roomful tokens`: tokens made, taken from a file, listed, revoked. In clear they are in CSV files alone."""

import csv
import io
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from roomful.cli.assignments import state_word
from roomful.cli.enrolled import enter, state_of
from roomful.cli.output import Failure, plain, say, say_json, table, warn
from roomful.core.admission import CreateTokens, RevokeTokens
from roomful.core.enrolment import Token
from roomful.core.roster import Admission, StudyState
from roomful.host import new_token
from roomful.rules import SettingsError
from roomful.settings import ServerSettings, StudySettings, load_settings
from roomful.store import StoreError
from roomful.token_file import Row, hashed, read_rows, read_tokens

_ADDRESS = re.compile(r"https?://[^\s/?#]+[^\s?#]*")

ID_LENGTH = 8
"""Characters of a token's hash by which it is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What tokens are to be made."""

    count: int
    treatment: str | None = None
    balanced: bool = False
    test: bool = False


def create(server: ServerSettings, wanted: Wanted, out: Path, url: str) -> None:
    """Make tokens and write them to a file; where either fails there are none."""
    if wanted.balanced and wanted.treatment is not None:
        raise Failure("--treatment gives all the same, --balanced divides them: take one of the two.", 2)
    check_address(url)
    study = load_settings(server.study)
    _check_treatment(study, wanted.treatment)
    first = len(_state(server).tokens) + 1
    tokens = [new_token() for _ in range(wanted.count)]
    made = [
        Token(token=hashed(token), label=f"{first + number:03d}", treatment=wanted.treatment, test=wanted.test)
        for number, token in enumerate(tokens)
    ]
    # the file first: a token that is nowhere in clear is lost
    _write_new(out, _csv(tokens, made, url))
    try:
        enter(server, CreateTokens(tokens=tuple(made), balanced=wanted.balanced))
    except BaseException:
        # where it is not known whether they were made, the file is all that there is of them
        if made[0].token not in _state(server).tokens:
            out.unlink()
        raise
    if wanted.balanced:
        known = _state(server).tokens
        _replace(out, _csv(tokens, [known[token.token].record for token in made], url))
    say(f"{out}: {_count(wanted.count)}. Keep the file: the tokens are nowhere else.")
    _warn_of_script(server, study)


def _check_treatment(study: StudySettings, treatment: str | None) -> None:
    names = [one.name for one in study.treatments if one.name]
    if treatment is not None and treatment not in names:
        known = f"it has {', '.join(names)}" if names else "it has none"
        raise Failure(f"The study has no treatment {plain(treatment)}: {plain(known)}.")


def _warn_of_script(server: ServerSettings, study: StudySettings) -> None:
    from roomful.assembly import speaks_silently

    if speaks_silently(study.simulation.llm, server):
        warn('No GEMINI_API_KEY is set: participants are let in only once it is, or llm.provider is "scripted".')


def _state(server: ServerSettings) -> StudyState:
    try:
        return state_of(server)
    except StoreError:
        # no database yet
        return StudyState()


def _csv(tokens: Sequence[str], made: Sequence[Token], url: str) -> str:
    given = any(token.treatment is not None for token in made)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["token", "label", *(["treatment"] if given else []), "test", "link"])
    for token, record in zip(tokens, made, strict=True):
        treatment = [record.treatment or ""] if given else []
        writer.writerow([token, record.label, *treatment, "yes" if record.test else "", link(url, token)])
    return text.getvalue()


def check_address(url: str) -> None:
    """Raise Failure for what no link can begin with: links are printed and sent before anybody tries one."""
    if not _ADDRESS.fullmatch(url):
        example = "--url https://chat.example.org"
        raise Failure(f"An address begins with http:// or https://, and has no ? and no #: {example}", 2)


def link(url: str, token: str) -> str:
    """A participant's link."""
    return f"{url.rstrip('/')}/chat?token={quote(token, safe='')}"


def _write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet, for its owner alone; it is on disk when this returns."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Failure(f"{path} is there already: take another name, so that no tokens are lost.") from None
    with os.fdopen(file, "w", encoding="utf-8", newline="") as writer:
        writer.write(text)
        writer.flush()
        os.fsync(writer.fileno())


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    _write_new(part, text)
    part.replace(path)


def _count(number: int) -> str:
    return "1 token" if number == 1 else f"{number} tokens"


def import_tokens(server: ServerSettings, file: Path) -> None:
    """Take the tokens of a file, all or none."""
    study, state = load_settings(server.study), _state(server)
    tokens, faults = read_tokens(file, study, state)
    if faults:
        raise SettingsError(faults, "The file has")
    entered = enter(server, CreateTokens(tokens=tokens))
    say(f"{_count(len(tokens))} taken." if entered else f"All {_count(len(tokens))} were there before.")
    _warn_of_script(server, study)


def list_tokens(server: ServerSettings, *, as_json: bool) -> None:
    """Show all tokens in the order of creation."""
    state = state_of(server)
    tokens = sorted(state.tokens.values(), key=lambda one: one.number)
    if as_json:
        say_json([_plain(state, one) for one in tokens])
        return
    if not tokens:
        say("No tokens yet.")
        return
    rows = [
        (
            plain(one.record.label),
            one.record.token[:ID_LENGTH],
            plain(one.record.participant or "–"),
            plain(one.record.treatment or "at the door"),
            _became(state, one),
            one.session_id or "–",
        )
        for one in tokens
    ]
    table(("label", "id", "participant", "treatment", "state", "session"), rows)


def _became(state: StudyState, one: Admission) -> str:
    if one.session_id is None:
        word = "unused (test)" if one.record.test else "unused"
    else:
        word = state_word(state.participations[one.session_id])
    return f"revoked, {word}" if one.revoked else word


def _plain(state: StudyState, one: Admission) -> dict[str, object]:
    record = one.record
    return {
        "label": record.label,
        "id": record.token[:ID_LENGTH],
        "sha256": record.token,
        "participant_id": record.participant,
        "treatment": record.treatment,
        "variables": dict(record.variables),
        "test": record.test,
        "revoked": one.revoked,
        "session_id": one.session_id,
        "state": _became(state, one),
    }


def revoke(server: ServerSettings, which: Sequence[str], file: Path | None) -> None:
    """Revoke tokens, all or none."""
    rows: Sequence[Row] = read_rows(file) if file else ()
    words = [*which, *(row.cells["token"] for row in rows)]
    if not words:
        raise Failure("Say which tokens, or --file with a column `token`.", 2)
    state = state_of(server)
    tokens = [_named(state, word) for word in words]
    entered = enter(server, RevokeTokens(tokens=tuple(tokens)))
    new = [token for token in dict.fromkeys(tokens) if not state.tokens[token].revoked]
    say(f"{_count(len(new))} revoked." if entered else "They were revoked before.")
    spent = [state.tokens[token] for token in dict.fromkeys(tokens) if state.tokens[token].session_id]
    live = [one.session_id for one in spent if one.session_id and state.participations[one.session_id].under_way]
    if live:
        warn(f"Whoever is in the room stays there: {', '.join(live)}. `roomful end SESSION` ends a session.")


def _named(state: StudyState, word: str) -> str:
    """The hash of the one token that is meant: by itself, its label, or the beginning of its hash."""
    if hashed(word) in state.tokens:
        return hashed(word)
    by_label = [token for token, one in state.tokens.items() if one.record.label == word]
    found = by_label or [token for token in state.tokens if len(word) >= ID_LENGTH and token.startswith(word.lower())]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(sorted(token[:ID_LENGTH] for token in found))
        raise Failure(f"{len(found)} tokens are called {plain(word)}; their ids are {ids}.")
    raise Failure(f"There is no token {plain(word)}. `roomful tokens list` lists them.")
