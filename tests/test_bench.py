"""That `scripts/bench` writes what it has measured."""

import json
import subprocess
import sys

from tests.servers import ROOT


def test_results_are_written_as_json_and_as_a_page(tmp_path):
    content, page = tmp_path / "bench.json", tmp_path / "benchmarks.md"
    command = [sys.executable, "scripts/bench", "simulated", "--quick", "--json", str(content), "--markdown", str(page)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)

    assert done.returncode == 0, done.stderr
    results = json.loads(content.read_text())["results"]
    assert [result["part"] for result in results] == ["simulated"] * 4
    text = page.read_text("utf-8")
    for result in results:
        assert f"| {result['name']} | {result['cpu_ms_median']:g} |" in text
    assert "## Simulated" in text
    assert "## Live" not in text
