"""The chain of a log: whatever is done to its text is found, and where."""

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from roomful.chain import Fault, check_chain
from roomful.codec import CodecError, chain, decode, digest, encode, tombstone
from roomful.core.events import Erased
from roomful.core.state import fold
from tests import examples

LINES = examples.lines()
PAGE = (Path(__file__).parent.parent / "docs" / "log.md").read_text("utf-8")


def places(lines: list[str]) -> list[int]:
    return [fault.line for fault in check_chain(lines).faults]


def rewritten(text: str, previous: str) -> str:
    """A line whose data was changed by somebody who knows how the hash is made."""
    head, _, rest = text.partition(',"salt":"')
    salt, _, rest = rest.partition('","hash":"')
    data = rest.partition('","data":')[2][:-1].replace("cat", "dog")
    link = chain(previous, head, digest(salt, data))
    return f'{head},"salt":"{salt}","hash":"{link}","data":{data}}}'


def test_a_log_that_nobody_touched_is_whole():
    checked = check_chain(LINES)

    assert checked.faults == ()
    assert (checked.lines, checked.head, checked.erased) == (len(LINES), json.loads(LINES[-1])["hash"], 0)
    assert check_chain([]).faults == ()


def test_a_change_of_any_byte_is_found_in_its_line():
    text = LINES[5]

    for place, char in enumerate(text):
        changed = text[:place] + ("1" if char != "1" else "2") + text[place + 1 :]
        faults = check_chain([*LINES[:5], changed, *LINES[6:]]).faults
        assert faults, (place, text[place - 20 : place + 20])
        # a number that was changed leaves a hole, which is seen at the line behind it
        assert {fault.line for fault in faults} <= {6, 7}, (place, faults)


def test_an_edit_is_located_and_only_there():
    changed = LINES[7].replace("cat", "dog")

    assert changed != LINES[7]
    assert places([*LINES[:7], changed, *LINES[8:]]) == [8]
    assert places([*LINES[:7], LINES[7].replace('"at":10.0', '"at":11.0'), *LINES[8:]]) == [8]


def test_several_edits_are_all_located():
    lines = [text.replace("cat", "dog") if number in (6, 8) else text for number, text in enumerate(LINES, 1)]

    assert places(lines) == [6, 8]


def test_a_changed_hash_is_told_from_changed_data():
    said = json.loads(LINES[7])["hash"]
    lines = [*LINES[:7], LINES[7].replace(said, "0" * 64), *LINES[8:]]

    assert check_chain(lines).faults == (Fault(8, "its hash was changed"),)


def test_a_line_written_anew_with_its_hash_breaks_the_next():
    anew = rewritten(LINES[7], json.loads(LINES[6])["hash"])

    (fault,) = check_chain([*LINES[:7], anew, *LINES[8:]]).faults

    assert fault.line == 9
    assert "or line 8 was, and its hash with it" in fault.message


def test_a_chain_made_anew_to_its_end_is_told_by_its_head_alone():
    lines = LINES[:7]
    for text in LINES[7:]:
        lines.append(rewritten(text, json.loads(lines[-1])["hash"]))

    checked = check_chain(lines)

    assert checked.faults == ()
    assert checked.head != json.loads(LINES[-1])["hash"]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (LINES[1:], [Fault(1, "number 1 is missing before it")]),
        (LINES[:3] + LINES[4:], [Fault(4, "number 4 is missing before it")]),
        (LINES[:3] + LINES[8:], [Fault(4, "numbers 4 to 8 are missing before it")]),
        ([*LINES, LINES[-1]], [Fault(len(LINES) + 1, f"number {len(LINES)} stands here once more: a line was put in")]),
        ([*LINES[:9], LINES[3], *LINES[9:]], [Fault(10, "number 4 stands here once more: a line was put in")]),
        (
            [*LINES[:4], LINES[5], LINES[4], *LINES[6:]],
            [Fault(6, "number 5 stands behind number 6: lines were moved")],
        ),
        ([*LINES[:4], "", *LINES[5:]], [Fault(5, "is not a line of a log")]),
        ([*LINES[:4], "{}", *LINES[4:]], [Fault(5, "is not a line of a log")]),
        ([*LINES[:-1], LINES[-1][:-20]], [Fault(len(LINES), "is not a line of a log")]),
    ],
    ids=["first", "one", "several", "last twice", "twice", "swapped", "emptied", "put in", "torn"],
)
def test_lines_taken_out_put_in_moved_or_torn_are_located(lines, found):
    assert list(check_chain(lines).faults) == found


@pytest.mark.parametrize("text", ["x" * 500, "\ud800é", '{"seq":1}', LINES[0][::-1], "[" * 10_000])
def test_whatever_stands_in_a_log_is_judged_and_not_raised(text):
    assert places([LINES[0], text, *LINES[2:]]) == [2]


def test_a_number_beyond_all_measure_is_judged_quickly():
    assert places([*LINES[:3], LINES[3].replace('"seq":4', '"seq":9999999999999999'), *LINES[4:]])


def test_tombstones_pass_and_are_counted():
    lines = [tombstone(text) if number in (1, 8, 9, 20) else text for number, text in enumerate(LINES, 1)]

    checked = check_chain(lines)

    assert checked.faults == ()
    assert (checked.erased, checked.head) == (4, json.loads(LINES[-1])["hash"])


def test_a_tombstone_keeps_the_head_and_nothing_of_data_and_salt():
    whole = json.loads(LINES[8])
    erased = json.loads(tombstone(LINES[8]))

    kept = {key: value for key, value in whole.items() if key not in ("salt", "data")}
    assert {key: value for key, value in erased.items() if key not in ("digest", "data")} == kept
    assert erased["data"] is None
    assert whole["salt"] not in tombstone(LINES[8])
    assert tombstone(tombstone(LINES[8])) == tombstone(LINES[8])


def test_an_edit_of_a_tombstone_is_located():
    lines = [*LINES[:8], tombstone(LINES[8]), *LINES[9:]]
    fingerprint = json.loads(lines[8])["digest"]

    assert places([*lines[:8], lines[8].replace(fingerprint, sha256(b"x").hexdigest()), *lines[9:]]) == [9]
    assert places([*lines[:8], lines[8].replace("null}", '"x"}'), *lines[9:]]) == [9]


@pytest.mark.parametrize("text", LINES, ids=lambda text: json.loads(text)["event_type"])
def test_any_line_can_be_erased_and_the_log_still_be_read_and_folded(text):
    lines = [tombstone(line) if line == text else line for line in LINES]
    entry = decode(tombstone(text))

    assert entry.event == Erased(event_type=json.loads(text)["event_type"])
    assert (entry.seq, entry.input) == (json.loads(text)["seq"], None)
    assert fold(decode(line) for line in lines).seq == len(LINES)


def test_an_erased_entry_is_not_written_anew():
    with pytest.raises(TypeError, match="erased"):
        encode(decode(tombstone(LINES[8])), examples.SESSION, examples.STARTED, "0" * 64, "5a17")


@pytest.mark.parametrize("text", ["", "x", "{}", '{"data":{"a":1,"salt":"x"}}'])
def test_only_a_line_can_be_made_a_tombstone(text):
    with pytest.raises(CodecError):
        tombstone(text)


def the_verifier() -> str:
    (source,) = re.findall(r"^```python\n(from hashlib.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)
    return source


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (LINES, []),
        ([tombstone(line) for line in LINES], []),
        ([*LINES[:7], LINES[7].replace("cat", "dog"), *LINES[8:]], ["line 8 was changed"]),
        (LINES[:3] + LINES[4:], ["line 4 was changed"]),
    ],
    ids=["whole", "erased", "changed", "taken out"],
)
def test_the_verifier_of_the_page_says_what_it_should(lines, found, tmp_path, capsys, monkeypatch):
    path = tmp_path / "log.json"
    path.write_text("".join(f"{line}\n" for line in lines), "ascii")
    monkeypatch.setattr("sys.argv", ["verify", str(path)])

    exec(compile(the_verifier(), "docs/log.md", "exec"), {"__name__": "__main__"})

    said = capsys.readouterr().out.splitlines()
    assert said == [*found, f"{len(lines)} lines, head {json.loads(lines[-1])['hash']}"]
