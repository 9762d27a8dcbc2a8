"""A page around the chat as HTML: its words, its questions with what was entered, and what is amiss."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from roomful.core.journey import GRACE
from roomful.core.pages import Form, Page, Problem, Question
from roomful.outcomes import WayOut
from roomful.web.page import LANGUAGES
from roomful.web.page_words import PAGE_WORDS

if TYPE_CHECKING:
    from jinja2 import Environment, Template
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

DATA = "data"
"""The field of the second consent."""

NO_WAY_OUT = WayOut()

FIELD = "q."
"""What the names of the questions' fields begin with."""


def _link_open(
    renderer: "RendererHTML", tokens: "Sequence[Token]", index: int, options: "OptionsDict", env: "EnvType"
) -> str:
    # in a tab of its own: what has been entered here is not lost
    tokens[index].attrSet("target", "_blank")
    tokens[index].attrSet("rel", "noopener noreferrer")
    return renderer.renderToken(tokens, index, options, env)


def _reader() -> "MarkdownIt":
    # it takes its time to import, and many studies have no pages
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.add_render_rule("link_open", _link_open)
    return reader


@dataclass(frozen=True, slots=True)
class Words:
    """Markdown as HTML."""

    html: Markup


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its words as HTML."""

    question: Question
    text: Markup
    hint: Markup
    plain: str
    """Its words without what Markdown makes of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A page whose Markdown has been read. Its title stands on the page too, unless that is `headed` by itself."""

    page: Page
    title: str
    headed: bool
    parts: tuple[Words | Asked, ...]
    data_consent: Markup
    plain_consent: str

    @property
    def asked(self) -> tuple[Asked, ...]:
        """The questions in their order."""
        return tuple(part for part in self.parts if isinstance(part, Asked))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What a participant has entered, and what is amiss with it; `tries` is how often its checks can still be answered.

    `said` are the problems, by the name of the answer.
    """

    form: Form = field(default_factory=dict)
    said: Mapping[str, Problem] = field(default_factory=dict)
    missed: tuple[str, ...] = ()
    attempt: int = 1
    tries: int | None = None
    unkept: bool = False
    """Whether it could not be stored, through no fault of theirs."""
    left: float | None = None
    """Seconds that they have left for the page; None: any number."""

    def value(self, name: str) -> str:
        """What was entered for an answer, or nothing."""
        given = self.form.get(name, ())
        return given[-1] if given else ""

    def has(self, name: str, code: str) -> bool:
        """Whether an option was chosen."""
        return code in self.form.get(name, ())


def read_page(page: Page) -> Shown:
    """Read the Markdown of a page."""
    reader = _reader()
    env: dict[str, object] = {}
    # so that a link may be defined in another part than it stands in
    reader.parse("\n\n".join(part for part in page.parts if isinstance(part, str)), env)
    heading = _heading(reader, page)
    return Shown(
        page=page,
        title=page.title or heading,
        headed=bool(heading) and not page.title,
        parts=tuple(_read_part(reader, part, env) for part in page.parts),
        data_consent=_inline(reader, page.data_consent or "", env),
        plain_consent=_plain(reader, page.data_consent or "", env),
    )


def _read_part(reader: "MarkdownIt", part: str | Question, env: dict[str, object]) -> Words | Asked:
    if isinstance(part, str):
        return Words(Markup(reader.render(part, env)))  # noqa: S704
    hint = _inline(reader, part.hint, env)
    return Asked(part, _inline(reader, part.text, env), hint, _plain(reader, part.text, env))


def _inline(reader: "MarkdownIt", text: str, env: dict[str, object]) -> Markup:
    return Markup(reader.renderInline(text, env))  # noqa: S704


def _plain(reader: "MarkdownIt", text: str, env: dict[str, object]) -> str:
    (inline,) = reader.parseInline(text, env)
    return _words(inline)


def _words(inline: "Token") -> str:
    return "".join(child.content for child in inline.children or () if child.type in ("text", "code_inline"))


def _heading(reader: "MarkdownIt", page: Page) -> str:
    """The words of the first heading, where the page begins with one."""
    first = page.parts[0] if page.parts else ""
    tokens = reader.parse(first) if isinstance(first, str) else []
    if not tokens or tokens[0].tag != "h1":
        return ""
    return _words(tokens[1])


class PageView:
    """Renders the pages in a language. `version` is that of the static files."""

    def __init__(self, version: str) -> None:
        self._version = version

    @cached_property
    def _environment(self) -> "Environment":
        # it takes its time to import, and many studies have no pages
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        loader = FileSystemLoader(Path(__file__).parent)
        return Environment(
            autoescape=True, loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )

    @cached_property
    def _page(self) -> "Template":
        return self._environment.get_template("session.html")

    @cached_property
    def _notice(self) -> "Template":
        return self._environment.get_template("notice.html")

    def page(self, shown: Shown, language: str, session_id: str, entered: Entered) -> str:
        """A page with what was entered on it."""
        words = PAGE_WORDS[language]
        return self._page.render(
            self._common(language),
            shown=shown,
            page=shown.page,
            title=shown.title or words[shown.page.role],
            entered=entered,
            problems=_told(shown, entered, words),
            tries=_tries(entered, words),
            time=None if entered.left is None else _time(entered.left, words),
            field=FIELD,
            data=DATA,
            session_id=session_id,
        )

    def notice(self, language: str, title: str, text: str, way_out: WayOut = NO_WAY_OUT) -> str:
        """A page that asks nothing: the words of the way out (Markdown), else this sentence, and the way on."""
        if way_out.text:
            text = Markup(_reader().render(way_out.text))  # noqa: S704
        return self._notice.render(self._common(language), title=title, text=text, headed=False, way_out=way_out)

    def end(self, shown: Shown, language: str, way_out: WayOut) -> str:
        """The study's own last page."""
        title = shown.title or PAGE_WORDS[language]["end"]
        html = Markup("\n").join(part.html for part in shown.parts if isinstance(part, Words))
        return self._notice.render(self._common(language), title=title, text=html, headed=shown.headed, way_out=way_out)

    def _common(self, language: str) -> Mapping[str, object]:
        return {
            "language": language,
            "direction": LANGUAGES[language],
            "version": self._version,
            "words": PAGE_WORDS[language],
        }


@dataclass(frozen=True, slots=True)
class Told:
    """A problem in words, for the summary: which field it is about, and what its question asks."""

    answer: str
    question: str
    sentence: str


def _told(shown: Shown, entered: Entered, words: Mapping[str, str]) -> list[Told]:
    told = [
        Told(name, _asked(asked, name), words[problem.complaint].replace("{limit}", problem.limit))
        for asked in shown.asked
        for name in asked.question.answers
        if (problem := entered.said.get(name))
    ]
    if problem := entered.said.get(DATA):
        told.append(Told(DATA, shown.plain_consent, words[problem.complaint]))
    told += [
        Told(_checked(asked.question), asked.plain, words["missed"])
        for asked in shown.asked
        if asked.question.name in entered.missed
    ]
    return told


def _checked(question: Question) -> str:
    """The name of the answer by which a check was not passed."""
    return f"{question.name}.{question.correct[0].partition('=')[0]}" if question.rows else question.name


def _asked(asked: Asked, answer: str) -> str:
    """The words of a question, or of the row of it that an answer is for."""
    question = asked.question
    return next((row.label for row in question.rows if f"{question.name}.{row.code}" == answer), asked.plain)


@dataclass(frozen=True, slots=True)
class Time:
    """The time that is left: the sentence around it, whole seconds, the same as a clock has them, and when to look on.

    A browser that loads the page anew after `reload` seconds is told that the time is over.
    """

    before: str
    after: str
    seconds: int
    clock: str
    reload: int


def _time(left: float, words: Mapping[str, str]) -> Time:
    before, _, after = words["time_limit"].partition("{limit}")
    seconds = int(left)
    return Time(before, after, seconds, f"{seconds // 60}:{seconds % 60:02}", int(left + GRACE) + 2)


def _tries(entered: Entered, words: Mapping[str, str]) -> str:
    if entered.tries is None:
        return ""
    return words["one_try_left"] if entered.tries == 1 else words["tries_left"].replace("{limit}", str(entered.tries))
