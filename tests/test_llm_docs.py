"""Every kind of failure is explained to the researcher."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def kinds() -> set[str]:
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "roomful" / "llm").glob("*.py"))
    return set(re.findall(r'LLMError\(\s*"(\w+)"', sources))


def test_every_kind_of_failure_is_documented():
    documented = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "llm.md").read_text("utf-8"), re.MULTILINE))

    assert len(kinds()) >= 14
    assert kinds() <= documented
