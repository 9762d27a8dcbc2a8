"""The commands about people: tokens, pause and stop, assignments, beside a running server and without one."""

import csv
import json
import os
import re
import stat
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest

from roomful.host import TOKEN_SIGNS
from roomful.timeline import wall_clock
from tests.commands import invoke
from tests.serving import SIMULATION, Server, serving, until
from tests.test_cli import environment

TREATMENTS = {"warm": {"prompt_template": "Be warm."}, "cold": {"prompt_template": "Be cold.", "weight": 2}}


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with a study of two treatments."""
    make_study(tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - set(environment()):
        monkeypatch.delenv(name)
    return tmp_path


def make_study(config: Path, **study: object) -> None:
    config.mkdir(parents=True, exist_ok=True)
    experimental = {"prompt_template": "Chat.", "treatments": TREATMENTS}
    (config / "experimental_settings.json").write_text(json.dumps(experimental))
    simulation = SIMULATION | {"llm": {"provider": "scripted"}, "bot_question_policy": "honest"}
    (config / "simulation_settings.json").write_text(json.dumps(simulation))
    if study:
        (config / "study.json").write_text(json.dumps(study))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def tokens() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(invoke("tokens", "list", "--json"))
    return found


def test_tokens_are_made_and_written_for_their_owner_alone(lab):
    said = invoke("tokens", "create", "--count", "3", "--out", "t.csv", "--url", "https://chat.example.org/")

    made = rows(lab / "t.csv")
    assert "3 tokens" in said
    assert [row["label"] for row in made] == ["001", "002", "003"]
    assert all(re.fullmatch(f"[{TOKEN_SIGNS}]{{12}}", row["token"]) for row in made)
    assert made[0]["link"] == f"https://chat.example.org/chat?token={made[0]['token']}"
    assert "treatment" not in made[0]
    assert stat.S_IMODE((lab / "t.csv").stat().st_mode) == 0o600
    assert [(one["label"], one["state"]) for one in tokens()] == [
        ("001", "unused"),
        ("002", "unused"),
        ("003", "unused"),
    ]
    # in clear they are nowhere else
    kept = b"".join(path.read_bytes() for path in [*(lab / "data").iterdir(), *(lab / "logs").iterdir()])
    assert made[0]["token"].encode() not in kept


def test_balanced_tokens_have_the_treatments_that_the_file_tells(lab):
    invoke("tokens", "create", "--count", "9", "--balanced", "--out", "t.csv")

    made = rows(lab / "t.csv")
    assert Counter(row["treatment"] for row in made) == {"warm": 3, "cold": 6}
    assert [one["treatment"] for one in tokens()] == [row["treatment"] for row in made]
    assert "identical: 0 allocations at the door, 9 of tokens" in invoke("assignments", "--audit")


def test_a_second_file_goes_on_with_the_numbers(lab):
    invoke("tokens", "create", "--count", "2", "--out", "a.csv")
    invoke("tokens", "create", "--count", "1", "--treatment", "warm", "--test", "--out", "b.csv")

    (one,) = rows(lab / "b.csv")
    assert (one["label"], one["treatment"], one["test"]) == ("003", "warm", "yes")
    assert tokens()[2]["state"] == "unused (test)"


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (("create", "--count", "2", "--treatment", "hot", "--out", "t.csv"), 1, "no treatment hot: it has warm, cold"),
        (("create", "--count", "2", "--treatment", "warm", "--balanced", "--out", "t.csv"), 2, "take one of the two"),
        (("create", "--count", "0", "--out", "t.csv"), 2, "--count"),
        (("create", "--count", "2", "--out", "there.csv"), 1, "there.csv is there already"),
        (("create", "--count", "2", "--out", "nowhere/t.csv"), 1, "nowhere/t.csv: No such file or directory"),
        (("create", "--count", "2", "--out", "t.csv", "--url", "ftp://x"), 2, "begins with http://"),
        (("create", "--count", "2", "--out", "t.csv", "--url", "https://x.org/?a=1"), 2, "no ? and no #"),
        (("import", "nowhere.csv"), 1, "nowhere.csv: found no such file"),
        (("import", "there.csv"), 1, "line 1: found the columns name"),
        (("list",), 1, "There is no database"),
        (("revoke",), 2, "Say which tokens"),
        (("links", "there.csv", "--out", "x.html"), 1, "line 1: found the columns name"),
        (("links", "there.csv", "--out", "x.html", "--url", "chat.example.org"), 2, "begins with http://"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_mistake_is_told_in_a_sentence_and_makes_nothing(lab, command, code, words):
    (lab / "there.csv").write_text("name\nx\n")

    said = invoke("tokens", *command, code=code)

    assert words in " ".join(said.split())
    assert not (lab / "t.csv").exists()
    assert not (lab / "data" / "roomful.db").exists()


def test_a_file_with_faults_is_not_taken_at_all(lab):
    (lab / "p.csv").write_text("token,treatment\nsecret-1,warm\nsecret-2,wram\nsecret-1,cold\n")
    said = invoke("tokens", "import", "p.csv", code=1)

    assert 'p.csv: line 3, treatment: found "wram", expected warm (the nearest)' in said
    assert "line 4, token: found a token that line 2 has already" in said
    assert not (lab / "data" / "roomful.db").exists()


def test_tokens_of_ones_own_are_taken_once(lab):
    (lab / "p.csv").write_text("token,participant_id,treatment\nsecret-1,P1,warm\nsecret-2,P2,\n")

    assert "2 tokens taken." in invoke("tokens", "import", "p.csv")
    assert "were there before" in invoke("tokens", "import", "p.csv")
    assert [(one["participant_id"], one["treatment"]) for one in tokens()] == [("P1", "warm"), ("P2", None)]


def test_tokens_are_revoked_by_themselves_by_label_and_by_id(lab):
    invoke("tokens", "create", "--count", "5", "--out", "t.csv")
    made, listed = rows(lab / "t.csv"), tokens()

    invoke("tokens", "revoke", made[0]["token"], "002", str(listed[2]["id"]))
    (lab / "lost.csv").write_text(f"token\n{made[3]['token']}\n")
    invoke("tokens", "revoke", "--file", "lost.csv")
    unknown = invoke("tokens", "revoke", "005", "017", code=1)

    assert [one["revoked"] for one in tokens()] == [True, True, True, True, False]
    assert "There is no token 017" in unknown
    assert "1 token revoked." in invoke("tokens", "revoke", "001", "005")
    assert "before" in invoke("tokens", "revoke", "001")


def test_a_sheet_has_a_code_for_each_and_needs_nothing_else(lab):
    (lab / "p.csv").write_text("token,label\nsecret-1,Desk <1>\nsecret-2,\n")
    invoke("tokens", "links", "p.csv", "--out", "sheet.html", "--url", "https://chat.example.org")

    sheet = (lab / "sheet.html").read_text("utf-8")
    codes = [ET.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", sheet)]
    assert len(codes) == 2
    assert "Desk &lt;1&gt;" in sheet
    assert "https://chat.example.org/chat?token=secret-1" in sheet
    assert not re.search(r"(src|href)=", sheet)
    assert "is there already" in invoke("tokens", "links", "p.csv", "--out", "sheet.html", code=1)


def test_pause_resume_and_stop_without_a_server(lab):
    assert "is paused" in invoke("pause")
    assert "paused before" in invoke("pause")
    assert "goes on" in invoke("resume")
    assert "was not paused" in invoke("resume")
    assert "stop --all" in invoke("stop", code=2)
    assert "0 sessions have ended" in invoke("stop", "--all")
    assert "A reason is one word" in invoke("stop", "--all", "--reason", "Two words", code=2)
    assert "study  whole: 4 lines" in invoke("verify", "--all")
    assert "study  whole: 4 lines" in invoke("verify", "study")
    assert "logs/study.json  whole" in invoke("verify", "logs/study.json")


def test_a_studys_log_that_was_changed_is_found(lab):
    invoke("pause", "--reason", "lunch")
    path = lab / "logs" / "study.json"
    path.write_text(path.read_text().replace("lunch", "brunch"))

    assert "line 2: it was changed" in invoke("verify", "logs", code=1)
    assert "line 2 of logs/study.json is not that of the database" in invoke("verify", "study", code=1)


def join(server: Server, query: str) -> tuple[int, dict[str, str]]:
    import urllib.error
    import urllib.request

    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/join?{query}", b"", method="POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def ended() -> list[str | None] | None:
    outcomes = [one["outcome"] for one in json.loads(invoke("assignments", "--json"))]
    return outcomes if any(outcomes) else None


def test_commands_work_beside_a_running_server(lab):
    make_study(lab / "config", entry=[{"panel": "label"}])
    with serving(lab) as server:
        assert join(server, "participant_label=P1")[0] == 200
        assert "3 tokens" in invoke("tokens", "create", "--count", "3", "--balanced", "--out", "t.csv")
        assert "goes on" not in invoke("pause", "--reason", "lunch")
        paused = join(server, "participant_label=P2")
        invoke("resume")
        status, started = join(server, "participant_label=P2")
        with server.participant(started["session_id"]) as guest:
            guest.until(lambda frame: frame["type"] == "hello")
            listed = invoke("assignments")
            stopped = invoke("stop", "--all", "--reason", "fire_alarm")
            guest.rest()
        # it is told a moment after the session has ended
        outcomes = until(ended, "an outcome")
        audited = invoke("assignments", "--audit")
        twice = invoke("tokens", "create", "--count", "3", "--out", "t.csv", code=1)
        server.stop()
    after, verified = invoke("assignments", "--audit"), invoke("verify", "--all")

    assert (paused[0], paused[1]["reason"], status) == (403, "paused", 200)
    assert guest.frames[-1]["type"] == "session_end"
    assert "in progress" in listed
    assert "not begun" in listed
    assert "1 session has ended: fire_alarm" in stopped
    assert outcomes == [None, "ended_by_researcher"]
    assert "identical: 2 allocations at the door, 3 of tokens" in audited == after
    assert "3 logs: 3 whole" in verified
    assert "is there already" in twice


SECRET = "my-secret-is-7f3a"


def everything(folder: Path) -> bytes:
    parts = [path for name in ("data", "logs") for path in sorted((folder / name).rglob("*")) if path.is_file()]
    return b"".join(path.read_bytes() for path in parts)


def test_what_was_said_is_deleted_beside_a_running_server_and_without_one(lab):
    make_study(lab / "config", entry=[{"panel": "label"}])
    with serving(lab) as server:
        first = join(server, f"participant_label={SECRET}-1")[1]["session_id"]
        second = join(server, f"participant_label={SECRET}-2")[1]["session_id"]
        with server.participant(first) as guest, server.participant(second) as other:
            for one in (guest, other):
                one.until(lambda frame: frame["type"] == "hello")
                one.say(SECRET)
            said = invoke("withdraw", first, "--delete", "--yes")
            guest.rest()
            # whoever is in another room notices nothing
            other.say("still here")
        again = invoke("withdraw", first, "--delete", "--yes")
        kept = invoke("withdraw", second)
        server.stop()
    beside = invoke("verify", "--all"), invoke("assignments", "--audit")
    half = everything(lab)
    due = invoke("erase", "--older-than", "1d", "--dry-run")
    deleted = invoke("withdraw", second, "--delete", "--yes")

    assert guest.frames[-1]["reason"] == "participant_withdrew"
    assert said == again == f"Session {first}: withdrawn, and its data are deleted.\n"
    assert kept == f"Session {second}: withdrawn; its data stay.\n"
    assert f"{SECRET}-1".encode() not in half
    assert f"{SECRET}-2".encode() in half
    assert "3 logs: 3 whole" in beside[0]
    assert "1 of somebody whose data were deleted" in beside[1]
    assert "No session was given out before" in due
    assert "are deleted" in deleted
    assert SECRET.encode() not in everything(lab)
    assert "3 logs: 3 whole" in invoke("verify", "--all")
    outcomes = {one["session_id"]: one["outcome"] for one in json.loads(invoke("assignments", "--json"))}
    assert outcomes == {first: "withdrew_delete_data", second: "withdrew_delete_data"}


def test_a_log_that_cannot_be_written_anew_is_told_and_its_deletion_can_be_repeated(lab):
    make_study(lab / "config", entry=[{"panel": "label"}])
    with serving(lab) as server:
        first, second = [join(server, f"participant_label={number}")[1]["session_id"] for number in (1, 2)]
        for session_id in (first, second):
            with server.participant(session_id) as guest:
                guest.until(lambda frame: frame["type"] == "hello")
                guest.say(SECRET)
        in_the_way = [lab / "logs" / f"{session_id}.json.part" for session_id in (first, second)]
        for folder in in_the_way:
            folder.mkdir()
        beside = invoke("withdraw", first, "--delete", "--yes", code=1)
        server.stop()
    without = invoke("withdraw", second, "--delete", "--yes", code=1)
    there = everything(lab)
    for folder in in_the_way:
        folder.rmdir()
    again = [invoke("withdraw", session_id, "--delete", "--yes") for session_id in (first, second)]

    assert "their logs in logs/ could not be written anew" in beside
    assert "their logs in logs/ could not be written anew" in without
    assert SECRET.encode() in there
    assert all(said.endswith("and its data are deleted.\n") for said in again)
    assert SECRET.encode() not in everything(lab)


def test_who_is_among_the_pages_is_withdrawn_beside_a_running_server_and_without_one(lab):
    make_study(lab / "config", entry=[{"panel": "label"}])
    (lab / "config" / "pages").mkdir()
    (lab / "config" / "pages" / "consent.md").write_text("---\nversion: 1\n---\nYes?")
    with serving(lab) as server:
        first, second = [join(server, f"participant_label={SECRET}-{number}")[1]["session_id"] for number in (1, 2)]
        beside = invoke("withdraw", first)
        server.stop()
    without = invoke("withdraw", second, "--delete", "--yes")

    assert beside == f"Session {first}: withdrawn; its data stay.\n"
    assert without == f"Session {second}: withdrawn, and its data are deleted.\n"
    outcomes = {one["session_id"]: one["outcome"] for one in json.loads(invoke("assignments", "--json"))}
    assert outcomes == {first: "withdrew_keep_data", second: "withdrew_delete_data"}
    assert f"{SECRET}-2".encode() not in everything(lab)
    assert {one["state"] for one in json.loads(invoke("sessions", "--json"))} == {"not started"}


def test_old_sessions_are_erased_after_a_question(lab, monkeypatch):
    make_study(lab / "config", entry=[{"panel": "label"}])
    with serving(lab) as server:
        session_id = join(server, f"participant_label={SECRET}")[1]["session_id"]
        with server.participant(session_id) as guest:
            guest.until(lambda frame: frame["type"] == "hello")
            guest.say(SECRET)
            live = invoke("erase", "--older-than", "1d", "--dry-run")
            invoke("end", session_id)
            guest.rest()
        server.stop()
    monkeypatch.setattr("roomful.cli.erasing.wall_clock", lambda: wall_clock() + 86_400_000_000 * 181)

    listed = json.loads(invoke("erase", "--older-than", "180d", "--dry-run", "--json"))
    began = json.loads((lab / "logs" / f"{session_id}.json").read_text().partition("\n")[0])["timestamp"]
    of_all = json.loads(invoke("sessions", "--json"))
    unsure = invoke("erase", "--older-than", "180d", code=1)
    there = SECRET.encode() in everything(lab)
    done = invoke("erase", "--older-than", "180d", "--yes")

    assert "No session" in live
    assert [one["session_id"] for one in listed] == [session_id]
    # in the form of the log's own times, so that they sort together: it was given out before its first entry
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", listed[0]["created"])
    assert listed[0]["created"] < began
    assert [(one["session_id"], one["created"]) for one in of_all] == [(session_id, listed[0]["created"])]
    assert "Nothing was deleted." in unsure or "Aborted" in unsure
    assert there
    assert "1 session erased." in done
    assert SECRET.encode() not in everything(lab)
    assert "No session was given out before" in invoke("erase", "--older-than", "180d", "--yes")
    assert [one["outcome"] for one in json.loads(invoke("assignments", "--json"))] == ["ended_by_researcher"]


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (("erase", "--older-than", "soon"), 2, "--older-than 180d"),
        (("erase", "--older-than", "0d"), 2, "--older-than 180d"),
        (("erase",), 2, "--older-than"),
        (("erase", "--older-than", "180d"), 1, "There is no database"),
        (("withdraw", "6f1c", "--delete"), 1, "There is no database"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_deletion_that_is_not_understood_does_nothing(lab, command, code, words):
    assert words in invoke(*command, code=code)


def test_a_session_that_is_not_there_is_not_withdrawn(lab):
    invoke("tokens", "create", "--count", "1", "--out", "t.csv")

    assert "There is no session 6f1c." in invoke("withdraw", "6f1c", "--delete", "--yes", code=1)
