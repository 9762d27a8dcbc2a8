"""Every kind of failure is explained to the researcher."""

import json
import re
from pathlib import Path

import pytest

from roomful.settings import load_settings

ROOT = Path(__file__).parent.parent


def kinds() -> set[str]:
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "roomful" / "llm").glob("*.py"))
    return set(re.findall(r'LLMError\(\s*"(\w+)"', sources))


def test_every_kind_of_failure_is_documented():
    documented = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "llm.md").read_text("utf-8"), re.MULTILINE))

    assert len(kinds()) >= 14
    assert kinds() <= documented


def examples() -> list[dict[str, dict[str, object]]]:
    text = (ROOT / "docs" / "llm.md").read_text("utf-8")
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]


@pytest.mark.parametrize("example", examples(), ids=lambda example: ",".join(example["llm"]))
def test_every_example_of_the_model_s_settings_can_be_used(example, tmp_path):
    room = json.loads((ROOT / "config" / "simulation_settings.json").read_text("utf-8"))
    (tmp_path / "simulation_settings.json").write_text(json.dumps(room | example), "utf-8")
    (tmp_path / "experimental_settings.json").write_text('{"prompt_template": "Chat."}', "utf-8")

    llm = load_settings(tmp_path).simulation.llm

    for name, value in example["llm"].items():
        if name not in ("fallbacks", "agents", "fallback_lines"):
            assert getattr(llm, name) == value
    assert len(llm.fallbacks) == len(example["llm"].get("fallbacks", []))


def test_there_is_an_example_of_every_provider():
    named = {entry.get("provider") for example in examples() for entry in told(example["llm"])}

    assert named >= {"openai", "anthropic", "mistral", "local", "gemini"}


def told(llm: dict[str, object]) -> list[dict[str, object]]:
    return [llm, *llm.get("fallbacks", []), *llm.get("agents", {}).values()]
