"""`roomful rehearse`: a study with stand-ins instead of participants, in simulated time."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from roomful.assembly import check_setup, in_english, model_name, open_store, provider, speaking
from roomful.cli.output import Failure, plain, say, say_json, table, warn
from roomful.core.study import SCRIPTED, LLMSettings, Treatment, name_of
from roomful.llm.scripted import Scripted
from roomful.rehearsal.concerns import Concern
from roomful.rehearsal.intervals import Interval
from roomful.rehearsal.numbers import Forecast, Numbers
from roomful.rehearsal.prices import TABLE, Prices, Purse, prices_of, read_prices
from roomful.rehearsal.report import Report, page_of, report_of
from roomful.rehearsal.runner import Findings, Keeper, OnSession, Plan, Rehearsal, chosen
from roomful.rehearsal.speaking import estimated
from roomful.rehearsal.standins import KINDS, MIXED
from roomful.rules import legible, nearest
from roomful.settings import ServerSettings, StudySettings, load_settings
from roomful.timeline import simulated_loop, wall_clock

FOLDER = Path("rehearsals")
"""Where reports go that no folder is named for."""

AT_ONCE = 8
"""Sessions with a real model that are under way at a time: each waits for its calls most of the time."""

TRIED = 5
"""Sessions with scripted agents by which the cost of the first with a real model is estimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The options of the command."""

    sessions: int
    treatments: tuple[str, ...]
    participants: str
    configured: bool
    budget: float | None
    planned: int | None
    prices: Path | None
    latency: float
    seed: int | None
    out: Path | None
    keep: bool | None
    as_json: bool

    @property
    def keeps(self) -> bool:
        """Whether the sessions' logs stay: what cost money is not thrown away unless that is said."""
        return self.configured if self.keep is None else self.keep


def rehearse(server: ServerSettings, wish: Wish) -> None:
    """Rehearse, write the report, and show its table. Raises Failure for what was not understood."""
    study = load_settings(server.study)
    if not wish.configured:
        study = in_english(study)
    out = _folder(wish)
    prices = _prices(study.simulation.llm, wish)
    plan = _plan(server, study, wish)
    _check(server, study, prices, wish)
    with _made(out):
        found = _run(server, plan, prices, out, wish)
    report = report_of(found, planned=wish.planned, configured=wish.configured, latency=wish.latency)
    (out / "report.html").write_text(page_of(report, server.study.name, _day()), encoding="utf-8", newline="\n")
    if wish.as_json:
        say_json(report.as_json())
        return
    _show(report)
    say(f"\n{plain(out / 'report.html')}" + (f"; the sessions' logs: {plain(out)}/roomful.db" if wish.keeps else ""))


def _folder(wish: Wish) -> Path:
    moment = datetime.fromtimestamp(wall_clock() / 1e6, UTC).astimezone()
    out = wish.out or FOLDER / f"{moment:%Y-%m-%d-%H%M%S}"
    if out.exists():
        raise Failure(f"{plain(out)} is there already: name another folder with --out.")
    return out


@contextmanager
def _made(out: Path) -> Iterator[None]:
    """The folder of a rehearsal: seen to be writable before it begins, gone if nothing has come of it."""
    out.mkdir(parents=True)
    try:
        yield
    except BaseException:
        with suppress(OSError):
            # with logs in it, it stays
            out.rmdir()
        raise


def _day() -> str:
    return f"{datetime.fromtimestamp(wall_clock() / 1e6, UTC).astimezone():%Y-%m-%d %H:%M}"


def _prices(llm: LLMSettings, wish: Wish) -> Prices | None:
    prices = prices_of(llm, read_prices(wish.prices or TABLE), own_table=wish.prices is not None)
    if prices and len(prices.currencies) > 1:
        raise Failure(
            f"The models' prices are in {' and '.join(map(plain, prices.currencies))}, which cannot be added up: name "
            "all of them in one currency with --prices.",
            2,
        )
    return prices


def _plan(server: ServerSettings, study: StudySettings, wish: Wish) -> Plan:
    return Plan(
        study=study,
        treatments=_treatments(study.treatments, wish.treatments),
        kinds=_kinds(wish.participants),
        sessions=wish.sessions,
        seed=study.simulation.seed if wish.seed is None else wish.seed,
        model=model_name(study.simulation.llm, server) if wish.configured else SCRIPTED,
        at_once=min(AT_ONCE, study.simulation.llm.max_concurrent_calls) if wish.configured else 1,
    )


def _treatments(treatments: Sequence[Treatment], names: Sequence[str]) -> tuple[Treatment, ...]:
    known = [treatment.name for treatment in treatments if treatment.name]
    for name in names:
        if name in known:
            continue
        near = nearest(name, known)
        told = f"the nearest is {near}" if near else f"there are {', '.join(known)}" if known else "it has none"
        raise Failure(f"The study has no treatment {plain(legible(name))}: {plain(told)}.", 2)
    return chosen(treatments, names)


def _kinds(participants: str) -> tuple[str, ...]:
    kinds = tuple(name.strip() for name in participants.split(",") if name.strip())
    for name in kinds:
        if name not in (*KINDS, MIXED):
            raise Failure(f"There are no stand-ins {plain(legible(name))}: there are {', '.join(KINDS)}, {MIXED}.", 2)
    if not kinds:
        raise Failure(f"--participants names none: there are {', '.join(KINDS)}, {MIXED}.", 2)
    return kinds


def _check(server: ServerSettings, study: StudySettings, prices: Prices | None, wish: Wish) -> None:
    llm = study.simulation.llm
    if wish.budget is not None and not wish.configured:
        raise Failure("--budget is for --llm configured: scripted agents cost nothing.", 2)
    if wish.budget is not None and not wish.budget > 0:
        raise Failure(f"--budget is {wish.budget:g}: name a sum above 0.", 2)
    unknown = (name_of(llm),) if prices is None else prices.unknown
    if wish.budget is not None and unknown:
        raise Failure(
            f"--budget needs a price, and there is none for {plain(', '.join(unknown))}: name a table with "
            "--prices, or set input_price_per_million and output_price_per_million of llm or of its entry.",
            2,
        )
    if wish.configured and provider(llm, server) == SCRIPTED:
        raise Failure(
            "--llm configured needs a model, and the study's agents are scripted: set GEMINI_API_KEY, or another "
            "llm.provider."
        )
    if wish.configured:
        check_setup(server, study)


def _run(server: ServerSettings, plan: Plan, prices: Prices | None, out: Path, wish: Wish) -> Findings:
    scripted = estimated(Scripted(), wish.latency)
    if not wish.configured:
        with asyncio.Runner(loop_factory=simulated_loop) as runner, _progress(plan.sessions) as told:
            return runner.run(_rehearsed(server, plan, Purse(prices), out, wish, told))
    expected = 0.0
    if wish.budget is not None:
        with asyncio.Runner(loop_factory=simulated_loop) as runner:
            tried = runner.run(Rehearsal(replace(plan, sessions=TRIED), scripted, Purse(prices)).run())
        expected = tried.spent / max(tried.sessions, 1)
    with _progress(plan.sessions) as told:
        return asyncio.run(_rehearsed(server, plan, Purse(prices, wish.budget, expected), out, wish, told))


async def _rehearsed(
    server: ServerSettings, plan: Plan, purse: Purse, out: Path, wish: Wish, on_session: OnSession
) -> Findings:
    async with AsyncExitStack() as stack:
        keeper = None
        if wish.keeps:
            store = await open_store(replace(server, data=out, database_url=None))
            stack.push_async_callback(store.close)
            keeper = Keeper(store)
        llm = (
            speaking(server, plan.study.simulation.llm, stack)
            if wish.configured
            else estimated(Scripted(), wish.latency)
        )
        return await Rehearsal(plan, llm, purse, keeper=keeper, on_session=on_session).run()


@contextmanager
def _progress(sessions: int) -> Iterator[OnSession]:
    """A bar on stderr for somebody who looks."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Rehearsing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    screen = Console(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task("", total=sessions)
        yield lambda _: progress.advance(task)


# --- what is shown


def _show(report: Report) -> None:
    table(HEADS, [_row(numbers, report) for numbers in report.cells], numbers=range(1, len(HEADS)), parts=(1, 4, 8, 12))
    say()
    say(_forecast(report.forecast, report))
    for concern in report.concerns:
        warn(_concern(concern))


HEADS = (
    *("treatment", "sessions", "completed", "messages", "rate", "asked", "answered", "asked", "call", "95 %"),
    *("failed", "rejected", "tokens in", "out", "money"),
)
"""Of the table; `asked` is what the settings say of the column before it, rates are a minute, calls in seconds."""


def _row(numbers: Numbers, report: Report) -> list[str]:
    unit = f" {plain(report.currency)}" if report.currency else ""
    if not numbers.sessions:
        return [plain(numbers.treatment), "0", *["–"] * (len(HEADS) - 2)]
    return [
        plain(numbers.treatment),
        str(numbers.sessions),
        f"{numbers.completed.value:.0%}",
        f"{numbers.messages.value:.0f}",
        _with(numbers.rate, "{:.2f}"),
        f"{numbers.asked:g}",
        f"{numbers.answers.value:.0%}" if numbers.said.value else "–",
        f"{numbers.answers_asked:.0%}",
        f"{numbers.latency_median:.2g} s",
        f"{numbers.latency_95:.2g} s",
        str(sum(numbers.failed.values())),
        str(sum(numbers.rejected.values())),
        f"{numbers.input_tokens.value:,.0f}",
        f"{numbers.output_tokens.value:,.0f}",
        _with(numbers.money, "{:.4f}") + unit if report.prices else "–",
    ]


def _with(interval: Interval, form: str) -> str:
    value = form.format(interval.value)
    if interval.low is None or interval.high is None:
        return value
    return f"{value} ±{form.format(interval.high - interval.value)}"


def _forecast(forecast: Forecast, report: Report) -> str:
    if not report.findings.sessions:
        return "No chat was held, so nothing can be told of the study's cost."
    hours = f"{forecast.hours:.{0 if forecast.hours >= 10 else 1}f} hours of chat, {forecast.calls:,.0f} calls"
    people = "1 participant" if forecast.planned == 1 else f"{forecast.planned} participants"
    if report.prices is None:
        return f"{people}: {hours}."
    money, unit = forecast.money, f" {plain(report.currency)}" if report.currency else ""
    within = "" if money.low is None or money.high is None else f" (95 %: {money.low:.2f} to {money.high:.2f})"
    about = "" if report.configured else ", by an estimate of the tokens"
    return f"{people}: {money.value:.2f}{unit}{within}{about}; {hours}."


def _concern(concern: Concern) -> str:
    where = f"{concern.treatment}: " if concern.treatment else ""
    return f"{'fault' if concern.grave else 'note '}  {where}{concern.sentence}"
