"""`roomful realism`: how much like people's chats sessions are, as a table, as JSON and as a figure."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from roomful import __version__
from roomful.cli.output import Failure, plain, say, table, warn
from roomful.cli.records import NoSuchSession, chosen, reading
from roomful.codec import CodecError, decode
from roomful.core.timing import TIMINGS, Preset
from roomful.enrolment import holds_rehearsal
from roomful.realism import CORPORA, Comparison, Post, Reference, Sessions, compare, corpus, measure, posts_of
from roomful.realism.compare import Row, against_words
from roomful.realism.figure import Series, figure
from roomful.realism.markers import MARKERS
from roomful.realism.rehearsed import PEOPLE_MOST, Rooms, rehearsed
from roomful.realism.rooms import SUFFIXES, RoomsError, read_rooms
from roomful.rules import Fault, nearest
from roomful.settings import ServerSettings
from roomful.store import STUDY

FAULTS_MOST = 20
"""Faults of files that are told; of the others, how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for, as it was given; None and empty: not given."""

    sessions: Sequence[str]
    rehearse: int | None
    presets: Sequence[str]
    people: str | None
    minutes: float | None
    rate: float | None
    seed: int
    reference: str
    json: Path | None
    figure: Path | None


def realism(server: ServerSettings, asked: Asked) -> None:
    """Measure sessions, or hold some and measure those, and show how far they are from the reference."""
    _understood(asked)
    try:
        reference = _reference(asked.reference)
        series = list(_rehearsed(asked, reference) if asked.rehearse else _held(server, asked, reference))
    except RoomsError as fault:
        raise _told(fault.faults) from None
    if not any(one.comparison.sessions for one in series):
        short = series[0].comparison.left_out
        counts = f"{short} had fewer than 12 messages or 2 speakers" if short else "there are none"
        raise Failure(f"No session could be measured: {counts}.")
    if asked.json:
        _write(asked.json, json.dumps(_json(asked, series), indent=2) + "\n")
    if asked.figure:
        _write(asked.figure, figure(series))
    if asked.json != Path("-"):
        _show(series)
    for one in series:
        for warning in one.comparison.warnings:
            warn(f"{plain(one.label)}: {plain(warning)}.")


# --- what was asked for


def _understood(asked: Asked) -> None:
    """Refuse what makes no sense together, and files that are there already, before any work is done."""
    if asked.rehearse and asked.sessions:
        raise Failure("Name sessions to measure, or let some be held with --rehearse: one of them.", 2)
    of_rehearsal = [("--preset", asked.presets), ("--people", asked.people)]
    given = [name for name, value in [*of_rehearsal, ("--minutes", asked.minutes), ("--rate", asked.rate)] if value]
    if given and not asked.rehearse:
        raise Failure(f"{given[0]} says how to hold sessions: give --rehearse too.", 2)
    if asked.figure and asked.figure.suffix.lower() != ".svg":
        raise Failure(f"--figure: found {plain(asked.figure)}, expected a file that ends in .svg, as it is one", 2)
    for path in (asked.json, asked.figure):
        if path and path != Path("-") and path.exists():
            raise Failure(f"{plain(path)} is there already: name another file")


def _rooms(asked: Asked, preset: Preset) -> Rooms:
    usual = Rooms(sessions=asked.rehearse or 0, preset=preset, seed=asked.seed)
    return replace(
        usual,
        people=usual.people if asked.people is None else _people(asked.people),
        minutes=asked.minutes or usual.minutes,
        rate=asked.rate or usual.rate,
    )


def _people(text: str) -> tuple[int, int]:
    least, dash, most = text.partition("-")
    ends = (least.strip(), (most if dash else least).strip())
    if all(end.isascii() and end.isdigit() and len(end) < 3 for end in ends):
        low, high = int(ends[0]), int(ends[1])
        if 2 <= low <= high <= PEOPLE_MOST:
            return low, high
    expected = f"a number from 2 to {PEOPLE_MOST}, or two such as 2-5"
    raise Failure(f"--people: found {plain(text)}, expected {expected}", 2)


def _presets(names: Sequence[str]) -> list[Preset]:
    known = {str(name): name for name in TIMINGS}
    for name in names:
        if name not in known:
            raise Failure(f"--preset: found {plain(name)}, expected one of {', '.join(known)}", 2)
    return [known[name] for name in dict.fromkeys(names)] or ["attentive"]


# --- where the sessions are


def _reference(which: str) -> Reference:
    if which.lower() in CORPORA:
        return corpus(which.lower())
    path = Path(which)
    if not path.exists():
        near = nearest(which.lower(), CORPORA)
        expected = f"{near} (the nearest corpus)" if near else f"one of {', '.join(CORPORA)}"
        raise Failure(f"--reference: found {plain(which)}, expected {expected}, or the path of a file or folder", 2)
    return Sessions(plain(path.name), measure(_of_path(path)))


def _rehearsed(asked: Asked, reference: Reference) -> Iterator[Series]:
    presets = _presets(asked.presets)
    plans = {preset: _rooms(asked, preset) for preset in presets}
    for preset, rooms in plans.items():
        yield Series(f"rehearsed, preset {preset}", compare(rehearsed(rooms), reference, asked.seed))


def _held(server: ServerSettings, asked: Asked, reference: Reference) -> Iterator[Series]:
    rooms: list[list[Post]] = []
    faults: list[Fault] = []
    ids = []
    for which in asked.sessions:
        if not _is_path(which):
            ids.append(which)
            continue
        try:
            rooms += _of_path(Path(which))
        except RoomsError as fault:
            faults += fault.faults
    if faults:
        raise RoomsError(faults)
    if ids or not asked.sessions:
        rooms += asyncio.run(_of_store(server, ids))
    label = plain(asked.sessions[0]) if len(asked.sessions) == 1 else "the sessions"
    yield Series(label, compare(rooms, reference, asked.seed))


def _is_path(which: str) -> bool:
    return "/" in which or which.endswith((".json", *SUFFIXES)) or Path(which).exists()


def _of_path(path: Path) -> list[list[Post]]:
    """The rooms of a file, or of the logs in a folder. Raises RoomsError with the faults of all of them."""
    if not path.is_dir():
        return list(read_rooms(path).values()) if path.suffix.lower() in SUFFIXES else _of_log(path)
    found = sorted(path.glob("*.json"))
    if not found:
        raise Failure(f"There is no log (*.json) in {plain(path)}.")
    rooms: list[list[Post]] = []
    faults: list[Fault] = []
    for one in found:
        try:
            rooms += _of_log(one)
        except RoomsError as fault:
            faults += fault.faults
    if faults:
        raise RoomsError(faults)
    return rooms


def _of_log(path: Path) -> list[list[Post]]:
    """The one room of a session's log; none of the study's own log."""
    try:
        lines = path.read_text("utf-8").split("\n")
    except UnicodeDecodeError:
        raise RoomsError([Fault(str(path), "", "what is not text in UTF-8", "a session's log")]) from None
    if f',"session_id":"{STUDY}"' in lines[0][:200]:
        return []
    if lines[-1] and not _is_entry(lines[-1]):
        # a server that runs is in the middle of writing it
        lines.pop()
    return [_entries_of(str(path), [line for line in lines if line])]


def _is_entry(line: str) -> bool:
    try:
        decode(line, folding=True)
    except CodecError:
        return False
    return True


def _entries_of(name: str, lines: Sequence[str]) -> list[Post]:
    entries, faults = [], []
    for number, line in enumerate(lines, 1):
        try:
            entries.append(decode(line, folding=True))
        except CodecError:
            faults.append(Fault(name, f"line {number}", "something else", "an entry of a session's log"))
    if faults and not entries:
        raise RoomsError([Fault(name, "", "something else", "a session's log, or rooms as .jsonl or .csv")])
    if faults:
        raise RoomsError(faults)
    return posts_of(entries)


async def _of_store(server: ServerSettings, beginnings: Sequence[str]) -> list[list[Post]]:
    """The rooms of these sessions of the database, or of all of them."""
    async with reading(server) as store:
        rows = await store.sessions()
        if await holds_rehearsal(store):
            warn(
                "These are the sessions of a rehearsal: the stand-ins' messages are measured too, unlike in its report."
            )
        try:
            wanted = [chosen(rows, beginning) for beginning in beginnings] if beginnings else rows
        except NoSuchSession as fault:
            raise Failure(str(fault)) from fault
        return [
            _entries_of(row.session_id, [line.text for line in await store.read(row.session_id)])
            for row in dict.fromkeys(wanted)
            if row.head
        ]


def _told(faults: Sequence[Fault]) -> Failure:
    told = [f"- {fault}" for fault in faults[:FAULTS_MOST]]
    if len(faults) > FAULTS_MOST:
        told.append(f"- and {len(faults) - FAULTS_MOST} more")
    count = "is a fault" if len(faults) == 1 else f"are {len(faults)} faults"
    return Failure("\n".join([f"There {count}, and nothing was measured:", *told]))


# --- what is shown


def _write(path: Path, text: str) -> None:
    if path == Path("-"):
        say(text.rstrip("\n"))
        return
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise Failure(f"{plain(path)} is there already: name another file") from None


def _json(asked: Asked, series: Sequence[Series]) -> dict[str, object]:
    held = [asdict(_rooms(asked, preset)) for preset in _presets(asked.presets)] if asked.rehearse else None
    return {
        "roomful": __version__,
        "seed": asked.seed,
        "rehearsed": held,
        "series": [{"label": one.label, **one.comparison.as_json()} for one in series],
    }


def _show(series: Sequence[Series]) -> None:
    first = series[0].comparison
    say(f"Beside {plain(first.reference)}{_size(first)}")
    for one in series:
        count = "1 session" if one.comparison.sessions == 1 else f"{one.comparison.sessions} sessions"
        say(f"{plain(one.label)}: {count}, {one.comparison.messages} messages")
    say()
    (_show_one if len(series) == 1 else _show_beside)(series)
    say()
    table(["", *_heads(series), ""], list(_sums(series)), numbers=range(1, len(series) + 1))
    say()
    _show_markers(series)


def _heads(series: Sequence[Series]) -> list[str]:
    """What stands above the numbers of each: of one alone, that they are of here."""
    return ["here"] if len(series) == 1 else [plain(one.label).removeprefix("rehearsed, preset ") for one in series]


def _size(comparison: Comparison) -> str:
    if comparison.reference_sessions is not None:
        return f": {comparison.reference_sessions} sessions"
    return f": {comparison.about}"


def _show_one(series: Sequence[Series]) -> None:
    comparison = series[0].comparison
    heads = ("statistic", "here", plain(comparison.reference), "d", "95 %", "")
    rows = [
        (
            row.name,
            _number(row.mean),
            _number(row.reference_mean),
            _signed(row.d),
            _interval(row),
            (row.verdict or "–") if comparison.enough else "",
        )
        for row in comparison.rows
    ]
    table(heads, rows, numbers=(1, 2, 3, 4))


def _show_beside(series: Sequence[Series]) -> None:
    heads = ["statistic", plain(series[0].comparison.reference)]
    for head in _heads(series):
        heads += [head, "d"]
    rows = []
    for beside in zip(*(one.comparison.rows for one in series), strict=True):
        cells = [beside[0].name, _number(beside[0].reference_mean)]
        for row in beside:
            cells += [_number(row.mean), _signed(row.d)]
        rows.append(cells)
    table(heads, rows, numbers=range(1, len(heads)))


def _sums(series: Sequence[Series]) -> Iterator[list[str]]:
    """What is told of all statistics together: its name, its number for each comparison, and a remark."""
    comparisons = [one.comparison for one in series]
    first, reference = comparisons[0], plain(comparisons[0].reference)
    yield ["mean |d| of timing", *(_number(one.mean_abs_d_timing) for one in comparisons), "nine statistics"]
    real = f"; real against real {first.floor.mean_abs_d:.3f}" if first.floor else ""
    yield ["mean |d|", *(_number(one.mean_abs_d) for one in comparisons), f"all twelve{real}"]
    tested = first.classifier
    if tested:
        real = f"; real against real {first.floor.auc:.3f}" if first.floor else ""
        found = [one.classifier for one in comparisons]
        kind = "0.5: not told apart, 1: always"
        yield ["AUC of timing", *(_number(one.auc_timing if one else None) for one in found), kind]
        against = f"against {tested.sessions} {against_words(tested.against, reference)}{real}"
        yield ["AUC", *(_number(one.auc if one else None) for one in found), against]
    for beside in zip(*(one.distances for one in comparisons), strict=True):
        if told := beside[0].against:
            about = f"against {against_words(told, reference)}"
            yield [f"W1 of {beside[0].name}", *(_number(one.value) for one in beside), about]
    missing = [one.name for one in first.distances if one.against is None]
    if missing:
        yield ["W1 of the gaps", *("–" for _ in comparisons), f"not available without the sessions of {reference}"]


def _show_markers(series: Sequence[Series]) -> None:
    heads, found = _heads(series), [one.comparison.markers for one in series]
    theirs = series[0].comparison.reference_markers
    if theirs:
        heads, found = [*heads, plain(series[0].comparison.reference)], [*found, theirs]
    rows = [[name.replace("_", " "), *(_marked(name, getattr(one, name)) for one in found)] for name in MARKERS]
    table(["text marker", *heads], rows, numbers=range(1, len(heads) + 1))


def _marked(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if name == "median_words" else f"{value:.2f}" if name == "sd_ln_words" else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}"


def _interval(row: Row) -> str:
    return "" if row.low is None or row.high is None else f"{row.low:+.2f} … {row.high:+.2f}"
