"""What a report says: its numbers, its warnings, and a page that is whole by itself."""

import asyncio
import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from statistics import NormalDist

import pytest

from roomful.core.chance import draw
from roomful.core.events import Prompt
from roomful.core.inputs import Reply
from roomful.core.study import LLMSettings, ModelSettings, Target
from roomful.llm import LLMError
from roomful.llm.scripted import Scripted
from roomful.rehearsal import runner
from roomful.rehearsal.concerns import concerns
from roomful.rehearsal.figures import distribution, dots, scale
from roomful.rehearsal.intervals import Interval, mean, quantile_of_t, ratio, share, total
from roomful.rehearsal.prices import TABLE, Price, Prices, Purse, price_of, prices_of, read_prices
from roomful.rehearsal.report import page_of, report_of
from roomful.rehearsal.runner import Findings
from roomful.rehearsal.speaking import estimated, tokens_of
from roomful.rehearsal.standins import Move
from roomful.rehearsal.summary import Bubble, Cell, Histogram, Sample
from roomful.rules import SettingsError
from tests import paging
from tests.rehearsing import PRICE, PRICES, plan, rehearsed, study, treatment

# --- intervals


def test_quantiles_of_t_are_those_of_scipy():
    stats = pytest.importorskip("scipy.stats")

    for df in (1, 2, 3, 4, 9, 30, 57, 200):
        assert quantile_of_t(df) == pytest.approx(stats.t.ppf(0.975, df), abs=1e-8)
    for df in (201, 500, 9999):
        assert quantile_of_t(df) == pytest.approx(stats.t.ppf(0.975, df), abs=1e-4)


def test_a_mean_has_the_interval_of_the_textbook():
    found = mean([1.0, 2.0, 3.0, 4.0, 5.0])

    # sd 1.5811, t(4) 2.7764
    assert found.value == 3.0
    assert found.high - found.low == pytest.approx(2 * 2.7764451 * 1.5811388 / 5**0.5)
    assert mean([2.0]) == Interval(2.0)
    assert mean([]) == Interval(0.0)


def test_the_interval_of_a_ratio_holds_the_truth_as_often_as_it_says():
    hits = 0
    for trial in range(400):
        pairs = [(_normal(trial, n, "x"), _normal(trial, n, "y")) for n in range(20)]
        found = ratio([3 * (10 + x) + y for x, y in pairs], [10 + x for x, _ in pairs])
        hits += found.low <= 3 <= found.high

    # 4 standard errors of a share of .95 in 400
    assert abs(hits / 400 - 0.95) < 4 * (0.95 * 0.05 / 400) ** 0.5


def _normal(*name: object) -> float:
    return NormalDist().inv_cdf(draw(1, *map(str, name)))


def test_no_interval_goes_where_no_count_can_be():
    assert mean([0.0, 0.0, 9.0]).low == 0.0
    assert ratio([0.0, 9.0], [1.0, 1.0]).low == 0.0
    assert ratio([1.0, 0.9, 1.0], [1.0, 1.0, 1.0]).at_most(1.0).high == 1.0


def test_a_share_has_wilsons_interval():
    found = share(8, 10)

    # Wilson's for 8 of 10: 0.4902 to 0.9433
    assert (found.low, found.high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))
    assert share(10, 10).high == 1.0
    assert share(0, 0) == Interval(0.0)


def test_a_forecast_is_less_sure_than_the_mean():
    values = [1.0, 2.0, 3.0, 4.0, 5.0]

    found, fewer = total(values, 100), mean(values).times(100)

    assert found.value == 300
    assert found.low < fewer.low < fewer.high < found.high


# --- money


def test_the_table_of_prices_has_a_date_and_a_source_for_each_model():
    prices = read_prices()

    assert LLMSettings().model in {price.model for price in prices}
    assert all(price.date and price.source.startswith("https://") for price in prices)
    assert json.loads(TABLE.read_text("utf-8"))


def test_a_table_of_ones_own_is_read_and_its_faults_are_told_at_once(tmp_path):
    own = tmp_path / "prices.json"
    own.write_text('[{"model": "mine", "input": 1, "output": 2}]')
    (price,) = read_prices(own)
    own.write_text('[{"model": "a", "input": -1, "output": 2, "datum": 1}, {"model": "a", "input": 1}]')

    with pytest.raises(SettingsError) as fault:
        read_prices(own)
    with pytest.raises(SettingsError, match=r"none\.json"):
        read_prices(tmp_path / "none.json")

    assert (price.input, price.output, price.currency) == (1, 2, "USD")
    assert "[0].input" in str(fault.value)
    assert "[0].datum" in str(fault.value)
    assert "[1].output" in str(fault.value)


def test_a_model_listed_twice_is_a_fault(tmp_path):
    own = tmp_path / "prices.json"
    own.write_text('[{"model": "a", "input": 1, "output": 2}, {"model": "a", "input": 1, "output": 2}]')

    with pytest.raises(SettingsError, match=r"\[1\].model"):
        read_prices(own)


def test_a_table_of_ones_own_comes_before_the_settings_and_those_before_the_programs():
    listed = (Price(model="m", input=1, output=1),)
    own = LLMSettings(model="m", input_price_per_million=5.0)

    assert price_of(own, listed).input == 5.0
    assert price_of(own, listed, own_table=True).input == 1
    assert price_of(LLMSettings(model="m"), listed).input == 1
    assert price_of(LLMSettings(model="other"), listed) is None


def test_each_model_of_a_study_has_a_price_of_its_own():
    listed = (Price(model="m", input=1, output=1), Price(model="second", input=2, output=2))
    llm = LLMSettings(
        model="m",
        fallbacks=(
            ModelSettings(provider="mistral", model="second"),
            ModelSettings(provider="local", model_path="x.gguf"),
        ),
        agents={
            "Bob": ModelSettings(model="own", output_price_per_million=7),
            "Carol": ModelSettings(model="none"),
        },
    )
    reply, thousand = Reply(text="", model="", input_tokens=1_000_000), 1_000_000

    prices = prices_of(llm, listed)

    assert prices is not None
    assert prices.of("Alice", reply) == 1
    assert [prices.of("Bob", replace(reply, fallback=number)) for number in (1, 2)] == [2, 0]
    assert prices.of("Bob", replace(reply, output_tokens=thousand)) == 7
    assert prices.of("Carol", reply) == 0
    assert prices.unknown == ("none",)
    assert [price.model for price in prices.all] == ["m", "second", "x.gguf", "own"]
    assert prices_of(LLMSettings(model="none"), listed) is None


def test_scripted_calls_are_as_slow_and_as_long_as_they_say():
    prompt = Prompt(agent_name="Alice", system="s" * 401, text="t" * 40, seed=1, number=1)
    llm = estimated(Scripted(), 2.0)

    replies = [asyncio.run(llm(replace(prompt, number=number))) for number in range(1, 400)]

    latencies = sorted(reply.latency for reply in replies)
    assert 1.7 < latencies[200] < 2.3
    assert all(reply.input_tokens == 101 + 10 for reply in replies)
    assert all(reply.output_tokens == tokens_of(reply.text) for reply in replies)
    assert asyncio.run(estimated(Scripted(), 0.0)(prompt)).latency == 0.0


# --- what to look at


def told(findings: Findings) -> set[tuple[str, str]]:
    return {(concern.code, concern.treatment) for concern in concerns(findings)}


def test_a_sound_study_has_nothing_to_warn_of():
    about = study(treatment("A", session_duration_minutes=10), treatment("B", session_duration_minutes=10))

    assert told(rehearsed(plan(about, sessions=8, kinds=["talkative"]))) == set()


def test_a_cell_that_never_runs_is_told():
    found = rehearsed(plan(study(treatment("A"), treatment("B", 0.0)), sessions=2, kinds=["silent"]))

    assert ("never_runs", "B") in told(found)
    assert ("never_runs", "B") not in told(rehearsed(plan(found.plan.study, sessions=2, only=["B"])))


def test_a_treatment_without_sessions_is_told_unless_it_was_not_asked_for():
    about = study(treatment("A"), treatment("B", 1000.0))

    assert ("no_sessions", "A") in told(rehearsed(plan(about, sessions=2, kinds=["silent"])))
    assert told(rehearsed(plan(about, sessions=2, kinds=["silent"], only=["B"]))) == set()


def test_a_budget_that_did_not_last_is_told():
    found = rehearsed(plan(sessions=5, kinds=["silent"]), purse=Purse(PRICES, budget=1e-9, expected=1.0))

    assert ("budget", "") in told(found)
    assert found.sessions == 0
    (sentence,) = [concern.sentence for concern in concerns(found) if concern.code == "budget"]
    assert "0 of 5" in sentence


def test_sessions_that_the_budget_broke_off_are_told():
    found = rehearsed(plan(sessions=2, kinds=["silent"]), purse=Purse(PRICES, budget=0.0005, expected=0.0001))

    assert [concern.sentence for concern in concerns(found) if "broken off" in concern.sentence] == [
        "1 session was broken off because the budget was used up."
    ]


def cell_of(findings: Findings) -> Cell:
    return findings.cells["A"]


def silent(**room: object) -> Findings:
    return rehearsed(plan(study(treatment("A", **room)), sessions=6, kinds=["silent"]))


def test_agents_that_talk_too_much_or_too_little_are_told():
    found = silent(messages_per_minute=6, session_duration_minutes=10)
    much, little = replace_setting(found, 3.0), replace_setting(found, 12.0)

    assert told(found) == set()
    assert ("too_much", "A") in told(much)
    assert ("too_little", "A") in told(little)


def replace_setting(found: Findings, rate: float) -> Findings:
    """The same findings under another setting: the scheduler itself keeps to what was set."""
    cell = cell_of(found)
    changed = replace(cell.treatment, simulation=replace(cell.treatment.simulation, messages_per_minute=rate))
    return replace(found, cells={"A": replace(cell, treatment=changed)})


def failing(kind: str):
    async def ask(prompt: Prompt) -> Reply:
        raise LLMError(kind, "no")

    return ask


def test_agents_that_never_answer_and_calls_that_fail_are_told():
    about = study(treatment("A", user_response_probability=1.0))

    found = rehearsed(plan(about, sessions=2, kinds=["talkative"]), llm=failing("server"))

    assert {("never_answers", "A"), ("calls_fail", ""), ("too_little", "A")} <= told(found)


def test_where_agents_are_not_to_answer_that_is_no_fault():
    about = study(treatment("A", user_response_probability=0.0))

    found = rehearsed(plan(about, sessions=2, kinds=["talkative"]))

    assert ("never_answers", "A") not in told(found)


def test_an_agent_that_never_speaks_is_told():
    found = silent(messages_per_minute=12, session_duration_minutes=10)
    del cell_of(found).spoken["Bob"]

    assert [concern.sentence for concern in concerns(found)] == ["Never said a word: Bob."]


def test_replies_that_are_not_shown_are_told():
    async def empty(prompt: Prompt) -> Reply:
        return Reply(text="   ", model="m")

    found = rehearsed(plan(study(treatment("A")), sessions=1, kinds=["silent"]), llm=empty)

    assert ("rejected", "") in told(found)


def test_a_model_that_is_too_slow_is_told():
    found = rehearsed(plan(study(treatment("A")), sessions=2, kinds=["silent"]), llm=estimated(Scripted(), 40.0))

    assert ("late", "") in told(found)


def test_what_one_treatment_alone_has_is_told_of_it_and_what_several_have_is_told_once():
    about = study(treatment("A", template="{tone}"), treatment("B", template="{tone}"), treatment("C"))

    async def slow_in_one(prompt: Prompt) -> Reply:
        late = "street of C" in prompt.system and prompt.number % 5 == 0
        return Reply(text=f"word {prompt.number}", model="m", latency=60.0 if late else 0.5)

    found = rehearsed(plan(about, sessions=30, kinds=["silent"]), llm=slow_in_one)

    assert ("placeholder", "A, B") in told(found)
    assert {where for code, where in told(found) if code == "late"} == {"C"}


def test_sessions_that_ended_by_a_fault_are_told_with_it(monkeypatch):
    def act(seen):
        raise ValueError("no such move")

    monkeypatch.setattr(runner, "moves", lambda kind, stay: iter([Move(10.0, act)]))

    found = rehearsed(plan(study(treatment("A")), sessions=2))

    (concern,) = [concern for concern in concerns(found) if concern.code == "ended_by_error"]
    assert concern.grave
    assert "2 sessions were ended by error: ValueError('no such move')" in concern.sentence


def test_sessions_that_the_studys_own_limit_ended_are_told():
    found = rehearsed(plan(study(treatment("A", max_tokens_per_session=100)), sessions=1, kinds=["silent"]))

    assert ("ended_by_error", "A") in told(found)


def test_a_placeholder_that_nothing_was_put_for_is_told():
    about = study(treatment("A", template="You are {agent_name}. {tone}"))

    found = rehearsed(plan(about, sessions=1, kinds=["silent"]))

    (concern,) = concerns(found)
    assert (concern.code, concern.grave) == ("placeholder", True)
    assert "{tone}" in concern.sentence


def test_a_model_without_a_price_is_told():
    assert ("no_price", "") in told(rehearsed(plan(sessions=1), purse=Purse(None)))


def test_a_model_beside_it_without_a_price_is_told():
    prices = Prices(common=PRICE, agents={"Bob": None}, unknown=("unheard-of",))

    assert ("no_price", "") in told(rehearsed(plan(sessions=1), purse=Purse(prices)))


def test_pages_that_nobody_gets_past_are_told(tmp_path):
    out = paging.question(name="q", kind="single", text="?", options=["a = A", "b = B"], screen_out="a, b")
    stuck = paging.question(name="code", kind="text", text="?", max_chars="3", correct="longer")

    screened = rehearsed(plan(study(pages=paging.read(tmp_path / "1", {"before-1.md": out})), sessions=2))
    held = rehearsed(plan(study(pages=paging.read(tmp_path / "2", {"before-1.md": stuck})), sessions=2))

    assert ("kept_out", "") in told(screened)
    assert ("stuck", "") in told(held)


# --- figures


def test_a_scale_has_round_ticks_within_its_ends():
    found = scale(4.73, 6.61)

    assert [tick.label for tick in found.ticks] == ["4.5", "5", "5.5", "6", "6.5", "7"]
    assert (found.place(4.5), found.place(7.0)) == (0.0, 100.0)
    assert scale(0, 0).high > 0


def test_dots_stand_where_their_values_are():
    figure = dots([("A", Interval(5.0, 4.0, 6.0), 8.0), ("B", Interval(5.0), None)], "{:g}", least=0.0)

    one, other = figure.dots
    assert (one.place, one.low, one.high, one.asked) == (50.0, 40.0, 60.0, 80.0)
    assert (other.low, other.asked) == (None, None)
    assert one.told == "5 (4 to 6)"


def test_a_distribution_has_all_its_calls():
    histogram = Histogram()
    for number in range(1, 1001):
        histogram.add(number / 100)

    figure = distribution(histogram)

    assert histogram.quantile(0.5) == pytest.approx(5.0, rel=0.03)
    assert histogram.quantile(0.95) == pytest.approx(9.5, rel=0.03)
    # a uniform distribution up to 10, to the width of a bin
    inner = [height for left, _, height in figure.columns if figure.scale.place(0.5) < left < figure.scale.place(9)]
    assert min(inner) > 85
    assert distribution(Histogram()) is None


# --- the page


class Page(HTMLParser):
    """The elements of a page; a tag that does not close, or closes what is not open, is a fault."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.faults: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "wbr"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        self.texts.append(data)


HOSTILE = '</title><script>alert(1)</script><img src="https://evil.example/x.png" onerror="x()">&amp;{{ 7*7 }}'


def page(findings: Findings, **more: object) -> str:
    return page_of(report_of(findings, configured=False, latency=1.0, **more), "study", "2026-11-22")


@pytest.mark.parametrize("sessions", [0, 1, 9])
def test_the_page_is_well_formed_and_loads_nothing(sessions):
    purse = Purse(PRICES, budget=1e-9, expected=1.0) if sessions == 0 else Purse(PRICES)
    text = page(rehearsed(plan(sessions=max(sessions, 1)), purse=purse))
    found = Page(text)

    assert found.faults == []
    assert found.open == []
    names = {tag for tag, _ in found.elements}
    assert names.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "base", "form"})
    attributes = [(name, value) for _, attrs in found.elements for name, value in attrs.items()]
    assert [value for name, value in attributes if name in ("src", "srcset", "data", "action", "poster")] == []
    assert {value for name, value in attributes if name == "href"} <= {PRICE.source}
    assert not any(name.startswith("on") for name, _ in attributes)
    assert "@import" not in text
    assert "url(" not in text


def test_where_a_table_is_too_wide_each_number_still_has_its_name():
    # with a narrow window the heads go, and each cell says by itself what it is
    text = page(rehearsed(plan(sessions=9), purse=Purse(PRICES)))

    for table in re.findall(r'<table class="(?:numbers|texts)">.*?</table>', text, re.DOTALL):
        heads = re.findall(r"<th>(.*?)</th>", table)
        for row in re.findall(r"<tr>(<td.*?)</tr>", table, re.DOTALL):
            assert re.findall(r'<td data-head="(.*?)">', row) == heads[1:]
    assert text.count("data-head") >= 13 + 4


def test_hostile_text_stays_text():
    about = study(treatment(HOSTILE, agent_names=(HOSTILE, "Bob", "Carol")))

    async def says(prompt: Prompt) -> Reply:
        return Reply(text=HOSTILE, model="m", latency=1.0)

    found = rehearsed(plan(about, sessions=2, kinds=["talkative"]), llm=says)
    found.samples = [
        replace(each, bubbles=(*each.bubbles, Bubble(sender=HOSTILE, own=False, content=HOSTILE, at=1.0)))
        for each in found.samples
    ]
    text = page_of(report_of(found, configured=False, latency=1.0), HOSTILE, "today")
    read = Page(text)

    assert read.faults == []
    assert {tag for tag, _ in read.elements}.isdisjoint({"script", "img"})
    assert any(HOSTILE in part for part in read.texts)


def test_what_no_page_can_hold_is_replaced():
    odd = Bubble(sender="Alice", own=False, content="a\x00b\ud800c", at=1.0)
    found = rehearsed(plan(sessions=1, kinds=["talkative"]))
    found.samples = [replace(found.samples[0], bubbles=(odd,))]

    text = page(found)

    assert text.encode("utf-8")
    assert "a\ufffdb\ufffdc" in text


def test_the_page_shows_what_participants_saw_and_nothing_that_they_did_not():
    found = rehearsed(plan(study(treatment("A", template="SECRET INSTRUCTION")), sessions=3, kinds=["talkative"]))
    sample = found.samples[0]

    text = page(found)

    assert isinstance(sample, Sample)
    assert sample.bubbles[0].content.split()[0] in text
    assert "SECRET INSTRUCTION" not in text


def test_the_page_tells_warnings_forecast_and_price():
    about = study(treatment("A", quota=30, template="{tone}"), treatment("B", quota=30))

    text = page(rehearsed(plan(about, sessions=4)))

    assert "{tone}" in text
    assert "For 60 participants" in text
    assert PRICE.date in text
    assert "For 7 participants" in page(rehearsed(plan(about, sessions=2)), planned=7)


def test_without_a_price_nothing_is_said_of_money():
    text = page(rehearsed(plan(sessions=2), purse=Purse(None)))

    assert "Money a chat" not in text
    assert "There is no price" in text


def test_the_numbers_are_json_and_the_same_for_the_same_seed():
    def numbers() -> str:
        return json.dumps(report_of(rehearsed(plan(sessions=4)), configured=False, latency=1.0).as_json())

    assert numbers() == numbers()
    assert json.loads(numbers())["cells"][0]["treatment"] == "A"


def test_a_study_without_treatments_has_one_row():
    about = study(treatment(""))

    report = report_of(rehearsed(plan(about, sessions=2)), configured=False)

    assert [cell.treatment for cell in report.cells] == ["the one treatment"]


def test_the_template_is_in_the_package():
    assert (Path(runner.__file__).parent / "report.html").exists()
    assert Counter(path.suffix for path in Path(runner.__file__).parent.iterdir())[".json"] == 1


# --- realism


def test_agents_are_compared_with_people_and_stand_ins_are_left_out():
    about = study(treatment("A", session_duration_minutes=10, messages_per_minute=6))

    talkative = report_of(rehearsed(plan(about, sessions=4, kinds=["talkative"])), configured=False)
    found = rehearsed(plan(about, sessions=4, kinds=["silent"]))

    compared = talkative.likeness.comparison
    assert (compared.reference, compared.sessions) == ("DeliData", 4)
    # were the 60 messages of each talkative one counted, there would be twice as many
    assert compared.messages == sum(talkative.cells[0].spoken.values())
    assert "beside DeliData" in page(found)
    assert "too few chats for a verdict" in page(found)


def test_chats_that_cannot_be_measured_are_compared_with_nothing():
    report = report_of(
        rehearsed(plan(study(treatment("A", messages_per_minute=0)), sessions=2, kinds=["silent"])), configured=False
    )

    assert report.likeness is None
    assert report.as_json()["realism"] is None


# --- targets


def aiming(**limits: float) -> dict[str, Target]:
    return {"brief": Target(measure="words_per_message", **limits)}


def aimed(model: str = "m", **limits: float) -> Findings:
    arm = treatment("A")
    about = study(replace(arm, experimental=replace(arm.experimental, targets=aiming(**limits))))

    async def says(prompt: Prompt) -> Reply:
        return Reply(text="three words here", model=model, latency=0.5)

    return rehearsed(replace(plan(about, sessions=4, kinds=["silent"]), model=model), llm=says)


def test_what_came_of_targets_is_told_and_drawn():
    found = aimed(at_least=2, at_most=5)

    (cell,) = report_of(found, configured=True).cells
    (target,) = cell.targets
    assert (target.value.value, target.met, target.of, target.excluded) == (3.0, 4, 4, 0)
    assert told(found) == set()
    assert "brief (words per message)" in page(found)
    assert "met in 4 of 4" in page(found)


def test_a_target_that_most_sessions_miss_is_told_unless_a_script_speaks():
    missed, excluded = aimed(at_least=10), aimed(exclude_below=10)

    assert told(missed) == told(excluded) == {("target", "A")}
    assert [concern.sentence for concern in concerns(excluded)] == [
        "By the target brief, 4 of 4 sessions would be left out."
    ]
    assert told(aimed("scripted", at_least=10)) == set()


def test_without_targets_nothing_is_said_of_them():
    assert "What agents are meant to do" not in page(rehearsed(plan(sessions=2)))
