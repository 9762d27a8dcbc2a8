"""Where rooms come from: a session's log, a file, a rehearsal; and the figure of what was found."""

import csv
import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from roomful.core.study import ExperimentalSettings, SeededMessage
from roomful.realism import Post, Sessions, compare, corpus, measure, posts_of, statistics
from roomful.realism.figure import Series, figure
from roomful.realism.rehearsed import Rooms, rehearsed
from roomful.realism.rooms import RoomsError, posts_of_lines, read_rooms
from tests.rooms import Room, start

GOOD = [
    {"room": "r1", "at": 0, "sender": "Ada", "text": "hi"},
    {"room": "r1", "at": 2.5, "sender": "Ben", "text": "hello, you", "mood": "fine"},
    {"room": 2, "at": "2026-03-02T14:30:21Z", "sender": "Ada", "text": ""},
]


def jsonl(path: Path, *lines: object) -> Path:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines), "utf-8")
    return path


def faults(path: Path) -> list[str]:
    with pytest.raises(RoomsError) as caught:
        read_rooms(path)
    return [str(fault).removeprefix(f"{path}: ") for fault in caught.value.faults]


# --- a session's log


def test_a_log_s_messages_are_those_of_agents_and_participant_without_the_seeded():
    seeded = ExperimentalSettings(
        prompt_template="Chat.", seeded_messages=(SeededMessage(sender="Alice", text="I planted this", at=0),)
    )
    room = Room(replace(start(messages_per_minute=6), experimental=seeded))
    room.say("hello all", 10)
    room.until(120, reply="fine by me")

    posts = posts_of(room.entries)

    assert {post.sender for post in posts} == {"user", "Alice", "Bob", "Carol"}
    assert Post(10, "user", "hello all") in posts
    assert "I planted this" not in [post.text for post in posts]
    assert len(posts) == len(room.state.messages) - 1


# --- a file


def test_a_file_of_lines_of_json_has_rooms(tmp_path):
    # a line separator inside a text ends no line; a byte order mark and empty lines do not matter
    separated = '{"room": "r1", "at": 4, "sender": "Ada", "text": "one\u2028two"}'
    path = jsonl(tmp_path / "rooms.jsonl", "\ufeff" + json.dumps(GOOD[0]), "", *GOOD[1:], separated)

    rooms = read_rooms(path)

    assert list(rooms) == ["r1", "2"]
    assert rooms["r1"] == [Post(0, "Ada", "hi"), Post(2.5, "Ben", "hello, you"), Post(4, "Ada", "one\u2028two")]
    assert rooms["2"] == [Post(1772461821.0, "Ada", "")]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_table_has_rooms(tmp_path, delimiter):
    path = tmp_path / "rooms.CSV"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(["id", "room", "at", "sender", "text"])
        writer.writerow([1, "r", "0.5", "Ada", 'two\nlines; and a "quote", too'])
        writer.writerow([2, "r", "7", "Ben", "ok"])

    assert read_rooms(path) == {"r": [Post(0.5, "Ada", 'two\nlines; and a "quote", too'), Post(7, "Ben", "ok")]}


def test_times_of_a_time_zone_are_the_same_moments(tmp_path):
    line = {"room": "r", "sender": "Ada", "text": "hi"}
    ats = ["2026-03-02T14:30:21+02:00", "2026-03-02 12:30:21", "2026-03-02T12:30:21Z"]

    rooms = read_rooms(jsonl(tmp_path / "r.jsonl", *[line | {"at": at} for at in ats]))

    assert len({post.at for post in rooms["r"]}) == 1


def test_all_bad_lines_are_told_at_once(tmp_path):
    path = jsonl(
        tmp_path / "bad.jsonl",
        GOOD[0],
        "{not json",
        [1, 2],
        {"room": "r1", "at": "soon", "sender": "", "text": 5},
        {"at": True, "sender": "Ada", "text": "hi"},
        {"room": "r1", "at": "2026-03-02T14:30:21Z", "sender": "Ada", "text": "hi"},
        '{"room": "r1", "at": 1e999, "sender": "Ada", "text": "hi"}',
        '{"room": "r1", "at": 1' + "0" * 400 + ', "sender": "Ada", "text": "hi"}',
    )

    a_time = "seconds (a number) or a time such as 2026-03-02T14:30:21Z"
    assert faults(path)[:-1] == [
        "line 2: found {not json, expected a JSON object",
        "line 3: found an array, expected a JSON object",
        'line 4, sender: found "", expected a name',
        f'line 4, at: found "soon", expected {a_time}',
        "line 4, text: found 5, expected a string",
        "line 5, room: found nothing, expected a name",
        f"line 5, at: found true, expected {a_time}",
        'line 6, at: found "2026-03-02T14:30:21Z", expected seconds, as the room has before',
        f"line 7, at: found Infinity, expected {a_time}",
    ]
    assert faults(path)[-1].startswith("line 8, at: found 1000")


def test_a_table_s_faults_name_its_lines(tmp_path):
    path = tmp_path / "rooms.csv"
    path.write_text('room,at,sender,text\nr,1,Ada,"two\nlines"\nr,2,Ben\n\nr,x,Ben,ok\n', "utf-8")

    assert [fault.partition(": found")[0] for fault in faults(path)] == ["line 4", "line 6, at"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the columns room, at, sender, text"),
        (b"room,at,from,text\n", "the columns room, at, sender, text"),
        (b"room,at,sender,text\n", "a line for each"),
        (b"room,at,sender,text\n\xff", "text in UTF-8"),
    ],
)
def test_a_table_without_rooms_says_what_it_lacks(tmp_path, content, expected):
    path = tmp_path / "rooms.csv"
    path.write_bytes(content)

    assert [fault.endswith(f"expected {expected}") for fault in faults(path)] == [True]


def test_an_empty_file_and_none_at_all_are_told(tmp_path):
    assert faults(jsonl(tmp_path / "empty.jsonl"))[0].endswith("found no messages, expected a line for each")
    assert "no such file" in faults(tmp_path / "nowhere.jsonl")[0]


# --- a rehearsal


def test_rehearsed_sessions_have_the_people_the_length_and_the_rate_that_were_asked_for():
    rooms = rehearsed(Rooms(sessions=12, people=(3, 4), minutes=5, rate=8, preset="attentive"))

    sizes = {len({post.sender for post in posts}) for posts in rooms}
    assert len(rooms) == 12
    assert sizes <= {3, 4}
    assert max(sizes) == 4
    assert all(0 <= post.at <= 300 for posts in rooms for post in posts)
    # 480 are expected, and their number is that of a clock nearly without memory
    assert 400 < sum(len(posts) for posts in rooms) < 560
    # nobody but agents speaks
    assert "user" not in {post.sender for posts in rooms for post in posts}


def test_the_same_seed_holds_the_same_sessions_and_another_holds_others():
    once = rehearsed(Rooms(sessions=2))

    assert rehearsed(Rooms(sessions=2)) == once
    assert rehearsed(Rooms(sessions=3))[:2] == once
    assert rehearsed(Rooms(sessions=2, seed=2)) != once


def test_the_attentive_preset_is_nearer_to_people_than_the_seed():
    near, far = (
        compare(rehearsed(Rooms(sessions=30, preset=preset)), corpus("delidata")) for preset in ("attentive", "seed")
    )

    assert near.mean_abs_d_timing < far.mean_abs_d_timing
    assert near.classifier.auc_timing < far.classifier.auc_timing
    assert {row.name: row.d for row in near.rows}["gini"] == pytest.approx(0, abs=0.35)
    assert {row.name: row.d for row in near.rows}["self_excess"] == pytest.approx(0, abs=0.35)


def test_a_session_s_lines_are_read_as_its_entries_are():
    room = Room(start(messages_per_minute=6))
    room.until(100)
    from roomful.codec import GENESIS, encode

    lines = [encode(entry, "s", 0, GENESIS, "00")[0] for entry in room.entries]

    assert posts_of_lines(lines) == posts_of(room.entries)
    assert posts_of(room.entries)


# --- the figure


def texts(svg: str) -> list[str]:
    return ["".join(found.itertext()) for found in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@cache
def comparison(name: str = "DeliData", sessions: int = 30):
    rooms = [[Post(n * 9.0 + n % 4, "ABC"[n % 3 - n % 2], "some words " * (n % 5)) for n in range(20)]] * sessions
    others = [[Post(n * 7.0 + n % 3, "ABC"[n % 3], "some words " * (n % 3)) for n in range(24)] for _ in range(30)]
    return compare(rooms, corpus("delidata") if name == "DeliData" else Sessions(name, measure(others)))


def test_a_figure_shows_every_statistic_of_every_comparison():
    svg = figure([Series("one", comparison()), Series("another", comparison())])

    found = texts(svg)
    assert {row.name for row in comparison().rows} <= set(found)
    assert "How far from DeliData?" in found
    assert any(text.startswith("another: 30 sessions, mean |d| of timing") for text in found)
    assert any("mean |d| 0.08" in text for text in found)


def test_a_figure_needs_nothing_else_and_no_name_can_break_it():
    svg = figure([Series("<script>alert(1)</script> & co\x07", comparison('"a" & <b>'))])

    root = ET.fromstring(svg)
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
        "svg", "title", "desc", "style", "rect", "text", "line", "circle", "polygon"
    }  # fmt: skip
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    assert "prefers-color-scheme: dark" in svg
    assert 'How far from "a" & <b>?' in texts(svg)


def test_what_lies_beyond_the_axis_is_an_arrow_with_its_number():
    found = comparison()
    far = replace(found, rows=tuple(replace(row, d=12.5, low=12.0, high=13.0) for row in found.rows))

    assert texts(figure([Series("far", far)])).count("+12.5") == 12


def test_a_statistic_without_a_value_says_so_and_few_sessions_get_no_verdict():
    short = compare([[Post(n * 9.0, "AB"[n % 2], "hi") for n in range(12)]], corpus("delidata"))

    found = texts(figure([Series("short", short)]))

    # a clockwork of one word each: neither order of gaps, nor own rhythm told, nor words beside gaps
    assert statistics([Post(n * 9.0, "AB"[n % 2], "hi") for n in range(12)])["M_room"] is None
    assert "no value" in found
    assert any("too few for a verdict" in text for text in found)


def test_a_figure_of_nothing_or_of_too_much_is_refused():
    with pytest.raises(ValueError, match="1 to 4"):
        figure([])
    with pytest.raises(ValueError, match="not 5"):
        figure([Series(str(n), comparison()) for n in range(5)])
