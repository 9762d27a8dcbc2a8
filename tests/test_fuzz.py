"""Frames and requests that no page would send, in the short form of `scripts/fuzz`."""

import json
import subprocess
import sys

import pytest

from tests.frames import Frames
from tests.servers import ROOT


@pytest.mark.timeout(240)
def test_a_few_thousand_frames_harm_nobody(tmp_path):
    result = tmp_path / "result.json"
    wanted = ["--frames=3000", "--sessions=5", "--rounds=2", "--http=25", f"--json={result}", f"--folder={tmp_path}"]

    done = subprocess.run(
        [sys.executable, "scripts/fuzz", *wanted], cwd=ROOT, capture_output=True, text=True, timeout=230, check=False
    )

    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    found = json.loads(result.read_text())
    assert found["frames"] >= 3000
    assert found["probes_acknowledged"] >= found["sessions"] == 20
    assert {"message", "refused", "reaction", "session_end"} <= found["answers"].keys()


def test_frames_are_the_same_for_the_same_seed_and_of_every_kind():
    texts = list(Frames("a").texts(300))

    assert texts == list(Frames("a").texts(300)) != list(Frames("b").texts(300))
    assert any(_is_json(text) for text in texts)
    assert not all(_is_json(text) for text in texts)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
