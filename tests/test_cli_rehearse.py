"""`roomful rehearse`: a report for a researcher, a folder of its own, and one sentence for what was not understood."""

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from roomful.cli.output import console
from roomful.settings import SERVER_VARIABLES
from tests.commands import invoke
from tests.servers import fake_gemini

EXPERIMENTAL = {
    "prompt_template": "You live in a small street. {tone}",
    "factors": {"tone": {"warm": "Be warm.", "cold": "Be cold."}},
}
SIMULATION = {
    "num_agents": 3,
    "agent_names": ["Alice", "Bob", "Carol"],
    "messages_per_minute": 6,
    "user_response_probability": 0.8,
    "context_window_size": 5,
    "session_duration_minutes": 4,
}


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in SERVER_VARIABLES.values():
        for name in variable.names:
            monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    return tmp_path


def write(folder: Path, **changes: object) -> None:
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "experimental_settings.json").write_text(json.dumps(EXPERIMENTAL))
    (folder / "config" / "simulation_settings.json").write_text(json.dumps(SIMULATION | changes))


def test_a_rehearsal_prints_a_table_and_writes_one_page(lab):
    said = invoke("rehearse", "--sessions", "6", "--out", "trial")

    heads, *rows = [line.split() for line in said.splitlines()][:3]
    assert heads[:3] == ["treatment", "sessions", "completed"]
    assert [row[0] for row in rows] == ["tone=warm", "tone=cold"]
    assert sum(int(row[1]) for row in rows) == 6
    assert "6 participants: " in said
    assert " USD (95 %: " in said
    assert "trial/report.html" in said
    assert sorted(path.name for path in (lab / "trial").iterdir()) == ["report.html"]
    assert "Rehearsal of config" in (lab / "trial" / "report.html").read_text("utf-8")


def test_a_room_of_another_language_is_rehearsed_in_the_script_s(lab):
    write(lab, chat_language="de")

    told = json.loads(invoke("rehearse", "--sessions", "4", "--participants", "silent", "--out", "trial", "--json"))

    assert "wrong_language" not in json.dumps(told)


def test_on_a_narrow_terminal_every_number_can_still_be_read(lab, monkeypatch):
    monkeypatch.setattr("roomful.cli.output.PIPED_WIDTH", 80)
    console.cache_clear()

    said = invoke("rehearse", "--sessions", "6", "--out", "trial")

    console.cache_clear()
    rows = [line for line in said.splitlines() if line.startswith("tone=warm")]
    assert len(rows) == 4
    assert "…" not in "".join(rows)
    assert max(map(len, said.splitlines()[:15])) <= 80
    assert re.search(r"treatment +tokens in +out +money\n", said)


def test_nothing_of_the_studys_own_is_touched(lab):
    invoke("rehearse", "--sessions", "2", "--out", "trial", "--keep")

    assert sorted(path.name for path in lab.iterdir()) == ["config", "trial"]


def test_without_a_folder_the_time_names_one(lab):
    invoke("rehearse", "--sessions", "1")

    (folder,) = (lab / "rehearsals").iterdir()
    assert (folder / "report.html").exists()


def test_the_same_seed_gives_the_same_numbers(lab):
    first, again, other = (
        json.loads(invoke("rehearse", "--sessions", "4", "--json", "--out", name, "--seed", seed))
        for name, seed in (("a", "5"), ("b", "5"), ("c", "6"))
    )

    assert first == again
    assert first != other
    assert first["cells"][0]["sessions"] + first["cells"][1]["sessions"] == 4


def test_a_kept_rehearsal_is_read_by_the_commands_and_refused_by_a_server(lab):
    invoke("rehearse", "--sessions", "3", "--out", "trial", "--keep", "--participants", "hostile")

    listed = invoke("sessions", "--data", "trial")
    as_json = json.loads(invoke("sessions", "--data", "trial", "--json"))
    shown = invoke("show", "--data", "trial", as_json[0]["session_id"])
    # the study's own log lies where logs are looked for, and is not the rehearsal's
    invoke("pause")
    verified = invoke("verify", "--all", "--data", "trial")
    replayed = invoke("replay", "--verify", "--all", "--data", "trial")
    invoke("export", "--data", "trial", "--out", "tables")
    measured = invoke("realism", "--data", "trial")
    served = invoke("serve", "--port", "0", "--data", "trial", code=1)
    paused = invoke("pause", "--data", "trial", code=1)
    checked = invoke("check", "--data", "trial", code=1)

    assert listed.count("duration_expired") == 3
    assert "the stand-ins' messages are measured too" in measured
    assert "the sessions of a rehearsal: nobody's data" in listed
    assert [row["rehearsal"] for row in as_json] == [True, True, True]
    assert "a rehearsal: the participant was a stand-in (hostile)" in shown
    assert "3" in verified
    assert "3" in replayed
    assert (lab / "tables" / "sessions.csv").read_text("utf-8").count('"hostile"') == 3
    assert "This database holds a rehearsal" in served
    assert "This database holds a rehearsal" in paused
    assert "This database holds a rehearsal" in " ".join(checked.split())


def test_one_treatment_and_some_kinds_of_stand_ins_can_be_asked_for(lab):
    options = ("--treatment", "tone=cold", "--participants", "silent, hostile")

    told = json.loads(invoke("rehearse", "--sessions", "4", "--json", "--out", "a", *options))

    (cell,) = told["cells"]
    assert cell["treatment"] == "tone=cold"
    assert set(cell["kinds"]) <= {"silent", "hostile"}


def test_a_forecast_is_for_as_many_as_are_planned(lab):
    assert "500 participants: " in invoke("rehearse", "--sessions", "2", "--planned", "500", "--out", "a")


def test_prices_of_ones_own_are_used(lab):
    (lab / "prices.json").write_text('[{"model": "gemini-3.5-flash-lite", "input": 0, "output": 0, "currency": "EUR"}]')

    said = invoke("rehearse", "--sessions", "2", "--prices", "prices.json", "--out", "a")

    assert "0.00 EUR" in said


def test_without_a_price_money_is_left_out_and_that_is_said(lab):
    write(lab, llm={"model": "unheard-of"})

    said = invoke("rehearse", "--sessions", "2", "--out", "a")

    assert "There is no price for unheard-of" in said
    assert "USD" not in said


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (("--treatment", "tone=cool"), 2, "The study has no treatment tone=cool: the nearest is tone=cold."),
        (("--treatment", "zzzzzz"), 2, "The study has no treatment zzzzzz: there are tone=warm, tone=cold."),
        (("--sessions", "0"), 2, "Invalid value for '--sessions'"),
        (("--participants", "loud"), 2, "There are no stand-ins loud: there are talkative, silent,"),
        (("--participants", " , "), 2, "--participants names none"),
        (("--budget", "2"), 2, "--budget is for --llm configured"),
        (("--llm", "configured"), 1, "--llm configured needs a model"),
        (("--llm", "free"), 2, "Invalid value for '--llm'"),
        (("--llm", "configured", "--budget", "0"), 2, "--budget is 0: name a sum above 0."),
        (("--out", "config"), 1, "config is there already: name another folder with --out."),
        (("--prices", "none.json"), 1, "none.json"),
        (("--study", "nowhere"), 1, "nowhere"),
        (("--planned", "0"), 2, "Invalid value for '--planned'"),
        (("--latency", "inf"), 2, "Invalid value for '--latency'"),
    ],
)
def test_what_was_not_understood_is_told_in_a_sentence(lab, options, code, sentence):
    said = " ".join(invoke("rehearse", *options, code=code).replace("│", " ").split())

    assert sentence in said
    assert "Traceback" not in said
    assert not (lab / "rehearsals").exists()


def test_a_budget_without_a_price_is_refused(lab, monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", "a-key")
    write(lab, llm={"model": "unheard-of"})

    said = invoke("rehearse", "--llm", "configured", "--budget", "1", code=2)

    assert "--budget needs a price, and there is none for unheard-of" in said


def test_a_stand_in_without_a_price_is_told_and_refused_with_a_budget(lab, monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", "a-key")
    monkeypatch.setenv("MISTRAL_API_KEY", "a-key")
    write(lab, llm={"fallbacks": [{"provider": "mistral", "model": "unheard-of"}]})

    said = invoke("rehearse", "--sessions", "2", "--out", "a")
    refused = invoke("rehearse", "--llm", "configured", "--budget", "1", code=2)

    assert "There is no price for unheard-of, so its replies count as free" in said
    assert "--budget needs a price, and there is none for unheard-of" in refused


def test_prices_in_two_currencies_are_not_added_up(lab):
    write(lab, llm={"agents": {"Bob": {"model": "other"}}})
    prices = [{"model": "gemini-3.5-flash-lite", "input": 1, "output": 1, "currency": "EUR"}]
    prices += [{"model": "other", "input": 1, "output": 1, "currency": "CHF"}]
    (lab / "prices.json").write_text(json.dumps(prices))

    said = invoke("rehearse", "--sessions", "2", "--prices", "prices.json", code=2)

    assert "prices are in EUR and CHF, which cannot be added up" in said


@pytest.fixture
def gemini(lab: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("GEMINI_API_KEY", "a-key")
    with fake_gemini(lab, 5) as url:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", url)
        yield url


def test_the_studys_own_model_is_rehearsed_within_a_budget_and_its_sessions_are_kept(lab, gemini):
    write(lab, messages_per_minute=4)
    told = json.loads(
        invoke("rehearse", "--llm", "configured", "--budget", "0.008", "--sessions", "40", "--json", "--out", "a")
    )

    assert told["model"] == "gemini-3.5-flash-lite"
    assert 0 < told["begun"] < 40
    # calls that were under way when it was used up are paid too
    assert 0 < told["spent"] < 0.01
    assert "budget" in {warning["code"] for warning in told["warnings"]}
    assert sum(cell["input_tokens"]["value"] > 0 for cell in told["cells"]) >= 1
    with sqlite3.connect(lab / "a" / "roomful.db") as database:
        ((count,),) = database.execute("select count(*) from sessions where session_id != 'study'")
    assert count == told["begun"]


def test_a_budget_that_bears_no_chat_forecasts_nothing(lab, gemini):
    said = invoke("rehearse", "--llm", "configured", "--budget", "0.000001", "--sessions", "5", "--out", "a")

    assert "The budget bore 0 of 5 sessions" in said
    assert "No chat was held, so nothing can be told of the study's cost." in said
    assert "participants:" not in said
    assert "ask for more --sessions" not in said


def test_a_rehearsal_that_is_interrupted_leaves_no_empty_folder(lab, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("roomful.cli.rehearse._run", interrupted)

    invoke("rehearse", "--out", "trial", code=130)

    assert not (lab / "trial").exists()
