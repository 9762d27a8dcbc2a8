"""Tokens in a CSV file: every fault is told with its line, and a file with one is not taken at all."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from roomful.core.enrolment import Token
from roomful.core.roster import StudyState
from roomful.rules import NAME, Fault, SettingsError, Wrong, legible, nearest, read_text, shown
from roomful.settings import StudySettings

COLUMNS = ("token", "participant_id", "label", "treatment", "test", "link")
"""What a file may have beside the variables that make strata; `link` is passed over."""

TOKEN_LEAST, TOKEN_MOST = 6, 200
"""Characters of a token: fewer could be guessed, more are not taken at the door."""

_YES = {"yes": True, "true": True, "1": True, "x": True, "no": False, "false": False, "0": False, "": False}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file that holds a token, and its number in the file."""

    line: int
    cells: Mapping[str, str]


def hashed(token: str) -> str:
    """What the study's log knows of a token."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def read_rows(path: Path, known: Sequence[str] | None = None) -> list[Row]:
    """Read a file's rows; `known` are the columns it may have (None: any). Raises SettingsError with every fault."""
    try:
        text = read_text(path)
    except Wrong as fault:
        raise SettingsError([_in_file(path, one) for one in fault.faults], "The file has") from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    rows: list[Row] = []
    faults: list[Fault] = []
    try:
        columns = [name.strip() for name in next(reader, [])]
        faults += _of_columns(path, columns, known)
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) != len(columns):
                    faults.append(
                        _fault(path, line, "", f"{len(cells)} cells", f"{len(columns)}, as the first line has")
                    )
                else:
                    rows.append(Row(line, dict(zip(columns, (cell.strip() for cell in cells), strict=True))))
            line = reader.line_num + 1
    except csv.Error as error:
        faults.append(_fault(path, reader.line_num, "", f"a fault ({error})", "comma-separated values"))
    if not faults and not rows:
        faults.append(Fault(str(path), "", "no tokens", "a line for each"))
    if faults:
        raise SettingsError(faults, "The file has")
    return rows


def _delimiter(text: str) -> str:
    # spreadsheets of many countries write semicolons
    first = text.partition("\n")[0]
    return ";" if ";" in first and "," not in first else ","


def _of_columns(path: Path, columns: Sequence[str], known: Sequence[str] | None) -> Iterator[Fault]:
    if "token" not in columns:
        found = f"the columns {', '.join(legible(name) for name in columns)}" if any(columns) else "no columns"
        yield _fault(path, 1, "", found, "a column token")
    for index, name in enumerate(columns):
        if columns.index(name) != index:
            yield _fault(path, 1, legible(name), "the column more than once", "each column once")
        elif known is not None and name not in known:
            near = nearest(name, known)
            expected = f"{near} (the nearest known column)" if near else f"one of {', '.join(known)}"
            yield _fault(path, 1, legible(name), "an unknown column", expected)


def _fault(path: Path, line: int, column: str, found: str, expected: str) -> Fault:
    return Fault(str(path), f"line {line}, {column}" if column else f"line {line}", found, expected)


def _in_file(path: Path, fault: Fault) -> Fault:
    return Fault(str(path), fault.key, fault.found, fault.expected)


def read_tokens(path: Path, study: StudySettings, state: StudyState) -> tuple[tuple[Token, ...], list[Fault]]:
    """The tokens of a file, and all that is wrong with them in this study. Raises SettingsError for its form."""
    strata = study.enrolment.assignment.strata
    rows = read_rows(path, [*COLUMNS, *strata])
    faults: list[Fault] = []
    tokens = []
    for number, row in enumerate(rows, len(state.tokens) + 1):
        faults += _of_row(path, row, study)
        cells, known = row.cells, state.tokens.get(hashed(row.cells["token"]))
        tokens.append(
            Token(
                token=hashed(cells["token"]),
                label=cells.get("label") or (known.record.label if known else f"{number:03d}"),
                treatment=cells.get("treatment") or None,
                participant=cells.get("participant_id") or None,
                variables={name: cells[name] for name in strata if cells.get(name)},
                test=_YES.get(cells.get("test", "").casefold(), False),
            )
        )
    faults += _doubled(path, rows, "token")
    faults += _doubled(path, rows, "participant_id")
    if not faults and any(token.token not in state.tokens for token in tokens):
        # a file that was taken whole before may be given again
        faults += _known(path, rows, tokens, state)
    return tuple(tokens), faults


def _of_row(path: Path, row: Row, study: StudySettings) -> Iterator[Fault]:
    token = row.cells["token"]
    if not TOKEN_LEAST <= len(token) <= TOKEN_MOST or not token.isprintable():
        expected = f"{TOKEN_LEAST} to {TOKEN_MOST} characters that nobody guesses"
        yield _fault(path, row.line, "token", f"{len(token)} characters" if token else "nothing", expected)
    names = [treatment.name for treatment in study.treatments if treatment.name]
    treatment = row.cells.get("treatment")
    if treatment and treatment not in names:
        near = nearest(treatment, names)
        known = f"one of {', '.join(names)}" if names else "none: the study has no treatments"
        yield _fault(path, row.line, "treatment", shown(treatment), f"{near} (the nearest)" if near else known)
    test = row.cells.get("test", "")
    if test.casefold() not in _YES:
        yield _fault(path, row.line, "test", shown(test), "yes, no, or nothing")
    for column in ("label", "participant_id"):
        if value := row.cells.get(column):
            try:
                NAME.read(value)
            except Wrong:
                yield _fault(path, row.line, column, shown(value), NAME.expected)
    for name, values in study.enrolment.assignment.strata.items():
        value = row.cells.get(name)
        if value and value not in values:
            yield _fault(path, row.line, name, shown(value), f"one of {', '.join(values)}, or nothing")


def _doubled(path: Path, rows: Sequence[Row], column: str) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for row in rows:
        value = row.cells.get(column)
        if value and first.setdefault(value, row.line) != row.line:
            # a token is as good as a key: it is not shown
            what = "a token" if column == "token" else shown(value)
            yield _fault(path, row.line, column, f"{what} that line {first[value]} has already", "one of its own")


def _known(path: Path, rows: Sequence[Row], tokens: Sequence[Token], state: StudyState) -> Iterator[Fault]:
    for row, token in zip(rows, tokens, strict=True):
        if token.token in state.tokens:
            label = state.tokens[token.token].record.label
            yield _fault(path, row.line, "token", f"a token that the study has already ({label})", "a new one")
