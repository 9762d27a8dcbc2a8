"""The pages around the chat, read from a study's Markdown files and checked whole."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from roomful.blocks import Block
from roomful.core.assignment import OTHER
from roomful.core.cards import position_of
from roomful.core.enrolment import Outcome
from roomful.core.pages import BEFORE, ROLES, Page, Question, Role, values
from roomful.core.study import Stances
from roomful.questions import STEPS_MOST, TEXT_MOST, read_question
from roomful.rules import Fault, Wrong, legible, nearest, read_text, shown

if TYPE_CHECKING:
    from markdown_it.token import Token

FOLDER = "pages"
"""The folder of a study's pages, beside its settings."""

TIME_MOST = 86_400
"""Seconds that a page may be limited to at most: who takes a day has gone away."""

_ALONE: tuple[Role, ...] = ("consent", "debrief")
_OUTCOMES: tuple[str, ...] = get_args(Outcome.__value__)
_FENCE = "question"

_FRONT: Mapping[Role, tuple[str, ...]] = {
    "consent": ("title", "version", "required", "agree", "decline", "tries", "on_failure", "time_limit_seconds"),
    "instructions": ("title", "version", "button", "tries", "on_failure", "time_limit_seconds"),
    "before": ("title", "version", "button", "tries", "on_failure", "time_limit_seconds"),
    "after": ("title", "version", "button", "tries", "on_failure", "time_limit_seconds"),
    "debrief": ("title", "version", "button", "data_consent"),
    "end": ("title", "version"),
}
"""What the front matter of a page may say."""


def load_pages(folder: Path, faults: list[Fault]) -> tuple[Page, ...]:
    """Read all pages of a study in the order of participants, none without the folder; every fault is added."""
    place = folder / FOLDER
    if not place.is_dir():
        return ()
    found = [_named(path, faults) for path in sorted(place.glob("*.md"), key=_in_order)]
    pages = [_load(path, role, faults) for path, role in (each for each in found if each)]
    faults += _doubled_files(place, [role for each in found if each for _, role in [each]])
    good = sorted((page for page in pages if page), key=lambda page: ROLES.index(page.role))
    faults += _doubled_names(place, good)
    return tuple(good)


def _in_order(path: Path) -> tuple[tuple[int, int | str], ...]:
    """By name, numbers by their size: `before-2` comes ahead of `before-10`."""
    parts = re.findall(r"\d+|\D+", path.stem)
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts)


def _named(path: Path, faults: list[Fault]) -> tuple[Path, Role] | None:
    """A file with its role, which its name tells."""
    stem, _, rest = path.stem.partition("-")
    role = next((role for role in ROLES if role == stem), None)
    if role is None:
        near = nearest(stem, ROLES)
        hint = f" (the nearest: {near})" if near else ""
        faults.append(Fault(str(path), "", "a name that tells no role", f"one of {', '.join(ROLES)}{hint}"))
        return None
    if role == "end" and rest and rest not in _OUTCOMES:
        near = nearest(rest, _OUTCOMES)
        expected = f"end-{near} (the nearest outcome)" if near else f"end, or end- and one of {', '.join(_OUTCOMES)}"
        faults.append(Fault(str(path), "", f"the end of {shown(rest)}", expected))
        return None
    return path, role


def _doubled_files(place: Path, roles: Iterable[Role]) -> Iterator[Fault]:
    counts = Counter(roles)
    for role in _ALONE:
        if counts[role] > 1:
            yield Fault(str(place), role, f"{counts[role]} files", "one file of this role")


def _doubled_names(place: Path, pages: Sequence[Page]) -> Iterator[Fault]:
    first: dict[str, tuple[str, int]] = {}
    for page in pages:
        for question in page.questions:
            name = question.name.casefold()
            if name in first and question.name:
                where, line = first[name]
                found = f"{shown(question.name)}, which {where}.md has on line {line}"
                key = f"line {question.line}, name"
                yield Fault(str(place / f"{page.name}.md"), key, found, "a name of its own, capitals aside")
            first.setdefault(name, (page.name, question.line))


def _load(path: Path, role: Role, faults: list[Fault]) -> Page | None:
    try:
        text = read_text(path)
    except Wrong as error:
        faults += [replace(fault, file=str(path)) for fault in error.faults]
        return None
    own: list[Fault] = []
    page = _read_page(path.stem, role, text, own)
    # of the file itself, so that other programs come to the same
    page = replace(page, hash=sha256(path.read_bytes()).hexdigest())
    faults += [replace(fault, file=str(path)) for fault in own]
    return page


# --- a page


def _read_page(name: str, role: Role, text: str, faults: list[Fault]) -> Page:
    lines = text.replace("\r\n", "\n").split("\n")
    begin = _front_end(lines, faults)
    front = Block.of(enumerate(lines[1 : begin - 1], 2), faults, 1) if begin else Block({}, faults, 1)
    front.strays(_FRONT[role])
    body = "\n".join([*([""] * begin), *lines[begin:]])
    parts = tuple(_parts(role, body, faults))
    page = Page(
        name=name,
        role=role,
        hash="",
        parts=parts,
        title=front.text("title"),
        version=front.text("version", required=role == "consent") or None,
        required=front.switch("required", default=True),
        tries=front.integer("tries", 1, 20, 2),
        on_failure=front.choice("on_failure", "end", "continue"),
        time_limit=front.integer("time_limit_seconds", 1, TIME_MOST, 0) or None,
        agree=front.text("agree") or None,
        decline=front.text("decline") or None,
        button=front.text("button") or None,
        data_consent=front.text("data_consent") or None,
    )
    faults += _check_page(page, body)
    return page


def _front_end(lines: Sequence[str], faults: list[Fault]) -> int:
    """How many lines the front matter takes, its two rules included."""
    if lines[0].rstrip() != "---":
        return 0
    for number, line in enumerate(lines[1:], 2):
        if line.rstrip() == "---":
            return number
    faults.append(Fault("", "line 1", "--- with no second one", "front matter between two lines of ---"))
    return 1


def _check_page(page: Page, body: str) -> Iterator[Fault]:
    texts = sum(question.max_chars for question in page.questions if question.kind == "text")
    if texts > TEXT_MOST:
        expected = f"at most {TEXT_MOST} together: divide the page, or lower max_chars"
        yield Fault("", "", f"texts of {texts} characters", expected)
    if not page.parts and not body.strip():
        yield Fault("", "", "an empty page", "Markdown, or questions")


def _parts(role: Role, body: str, faults: list[Fault]) -> Iterator[str | Question]:
    """The Markdown and the questions of a page, in order."""
    lines = body.split("\n")
    begin = 0
    tokens = _parsed(body)
    faults += _images(tokens)
    for token in tokens:
        if token.type != "fence" or token.map is None:
            continue
        info = token.info.strip()
        if info != _FENCE:
            if nearest(info.partition(" ")[0], [_FENCE]):
                faults.append(Fault("", f"line {token.map[0] + 1}", shown(info), f"{_FENCE}, if this is one"))
            continue
        if text := "\n".join(lines[begin : token.map[0]]).strip():
            yield text
        begin = token.map[1]
        line = token.map[0] + 1
        if token.level:
            faults.append(Fault("", f"line {line}", "a question within a list or a quote", "one at the margin"))
        elif role in ("debrief", "end"):
            faults.append(Fault("", f"line {line}", f"a question on the {role} page", "questions on pages before it"))
        elif question := read_question(token.content, line, role, faults):
            yield question
    if text := "\n".join(lines[begin:]).strip():
        yield text


def _parsed(body: str) -> "Sequence[Token]":
    # it takes its time to import, and many studies have no pages
    from markdown_it import MarkdownIt

    # HTML in pages is text
    return MarkdownIt("commonmark", {"html": False}).enable("table").parse(body)


def _images(tokens: "Sequence[Token]") -> Iterator[Fault]:
    for token in tokens:
        if any(child.type == "image" for child in token.children or ()):
            yield Fault("", f"line {(token.map or [0])[0] + 1}", "an image", "text: pages show no images")


# --- pages and the rest of a study


def check_stances(pages: Sequence[Page], all_stances: Iterable[Stances]) -> Iterator[Fault]:
    """Faults of stances whose question no page asks before the chat, or some of whose answers have no position."""
    asked = {name: (page, question) for page in pages for question in page.questions for name in question.answers}
    before = sorted(name for name, (page, _) in asked.items() if page.role in BEFORE)
    seen: set[tuple[str, tuple[tuple[str, ...], ...]]] = set()
    for stances in all_stances:
        once = (stances.question, tuple(position.answers for position in stances.positions))
        if once in seen:
            continue
        seen.add(once)
        if stances.question not in before:
            near = nearest(stances.question, before)
            late = "a question after the chat" if stances.question in asked else "asked on no page"
            hint = f"{near} (the nearest)" if near else "a question of the pages before the chat"
            yield Fault("", "stances.question", f"{shown(stances.question)}, {late}", hint)
            continue
        page, question = asked[stances.question]
        yield from _check_positions(page, question, stances)


def _check_positions(page: Page, question: Question, stances: Stances) -> Iterator[Fault]:
    where = f"{stances.question} ({page.name}.md)"
    found = values(question)
    if found is None:
        expected = "one of the kinds single, likert, matrix, slider, or a number with min and max"
        yield Fault("", "stances.question", f"{where}, whose answers cannot be counted", expected)
        return
    if not question.required:
        yield Fault("", "stances.question", f"{where}, which may be left out", "a question with required: true")
    left = [
        one for _, one in zip(range(STEPS_MOST + 1), found, strict=False) if not position_of(stances.positions, one)
    ]
    if left:
        more = f" and {len(left) - 5} more" if len(left) > 5 else ""
        yield Fault(
            "", "stances.positions", f"none for {', '.join(left[:5])}{more} of {where}", "a position for every answer"
        )


def check_strata(pages: Sequence[Page], strata: Mapping[str, Sequence[str]]) -> Iterator[Fault]:
    """Faults of strata by answers: asked after the chat, left out at will, or of values that nobody can give."""
    asked = {name: (page, question) for page in pages for question in page.questions for name in question.answers}
    for name, wanted in strata.items():
        if name not in asked:
            continue
        page, question = asked[name]
        key = f"assignment.strata.{legible(name)}"
        if page.role not in BEFORE:
            yield Fault("", key, f"a question of {page.name}.md, after the chat", "one of a page before it")
        elif question.kind not in ("single", "likert", "matrix"):
            yield Fault("", key, f"a question of the kind {question.kind}", "one of the kinds single, likert, matrix")
        else:
            codes = [option.code for option in question.options]
            for one in wanted:
                if one not in codes:
                    near = nearest(one, codes)
                    hint = f"{near} (the nearest code)" if near else f"one of the codes {', '.join(codes)}"
                    yield Fault("", key, shown(one), f"{hint}; all others are {OTHER}")


def check_debrief(pages: Sequence[Page], *, deception: bool) -> Iterator[Fault]:
    """The fault of a study that deceives its participants and never tells them."""
    if deception and all(page.role != "debrief" for page in pages):
        yield Fault("", "deception", "true without a debrief page", f"a file {FOLDER}/debrief.md")


def check_time(pages: Sequence[Page], *, limited: bool) -> Iterator[Fault]:
    """The fault of a limit over the pages before the chat where there are none."""
    if limited and all(page.role not in BEFORE for page in pages):
        found = "a limit without a page before the chat"
        yield Fault("", "before_chat_minutes", found, f"null, or pages before it in the folder {FOLDER}")
