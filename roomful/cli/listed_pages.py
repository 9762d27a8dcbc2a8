"""The pages around the chat as `roomful check` lists them."""

import re
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from roomful.cli.output import plain, put
from roomful.core.pages import Page, Question


def put_pages(pages: Sequence[Page]) -> None:
    """Show every page in the order of participants, with its questions; nothing where there are none."""
    if not pages:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for page in pages:
        table.add_row(Text(f"{page.name}.md", "bold"), Text(_about(page)))
        for question in page.questions:
            table.add_row(Text(f"  {question.name}"), Text(asked(question)))
    put(Text("\nPages", "bold"))
    put(table)
    put("")


def _about(page: Page) -> str:
    return plain("; ".join([*page_facts(page), f"SHA-256 {page.hash[:12]}…"]))


def page_facts(page: Page) -> list[str]:
    """What becomes of a page's answers, and of those who take long; nothing where it is as usual."""
    parts = [f"version {page.version}"] if page.version else []
    parts += ["not required"] if page.role == "consent" and not page.required else []
    if any(question.correct for question in page.questions):
        parts.append(f"{page.tries} {'try' if page.tries == 1 else 'tries'}, then {page.on_failure}")
    parts += [f"at most {page.time_limit} seconds"] if page.time_limit else []
    return parts + (["asks for the use of the data"] if page.data_consent else [])


def asked(question: Question, *, labels: bool = False) -> str:
    """How a question is answered: its kind, codes (with `labels`) or limits, and which answers have consequences."""
    parts: list[str] = [question.kind, *([] if question.required else ["optional"])]
    codes = question.rows + question.options if question.kind == "matrix" else question.options
    parts += [" | ".join(f"{code.code} = {code.label}" if labels else code.code for code in codes)] if codes else []
    if question.kind in ("slider", "number"):
        low, high = question.bounded
        parts += [f"{question.low if low else '…'} to {question.high if high else '…'}"] if low or high else []
    parts += [f"correct: {', '.join(question.correct)}"] if question.correct else []
    parts += [f"screens out: {', '.join(question.screen_out)}"] if question.screen_out else []
    return plain(", ".join(parts))


def pages_json(pages: Sequence[Page]) -> list[dict[str, object]]:
    """The pages for programs."""
    return [
        {
            "name": page.name,
            "role": page.role,
            "version": page.version,
            "hash": page.hash,
            "time_limit_seconds": page.time_limit,
            "questions": [
                {
                    "name": question.name,
                    "kind": question.kind,
                    "required": question.required,
                    "answers": list(question.answers),
                    "codes": {option.code: option.label for option in question.options},
                    "correct": list(question.correct),
                    "screen_out": list(question.screen_out),
                }
                for question in page.questions
            ],
        }
        for page in pages
    ]


_BLANK = re.compile(r"(?<!\])\[[^\[\]\n]*(?:\n[^\[\]\n]+)?\](?![\[(:])")
"""Square brackets that are no link: as a rule, something that the study's author was to fill in."""


def blanks(pages: Sequence[Page]) -> list[str]:
    """What of the pages looks as if it were still to be filled in, each with a word on it."""
    return [
        f"pages/{page.name}.md shows {' '.join(blank.split())} as it stands: is that still to be filled in?"
        for page in pages
        for part in page.parts
        if isinstance(part, str)
        for blank in _BLANK.findall(part)
    ]
