"""What the documentation promises: everything is in it, and its examples are true."""

import importlib
import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*/README.md")])

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    return [body for found, body in BLOCK.findall(page.read_text("utf-8")) if found == language]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[tuple[Path, str]]:
    for target, anchor in LINK.findall(page.read_text("utf-8")):
        yield (page.parent / target if target else page), anchor


def all_words() -> str:
    return "\n".join(page.read_text("utf-8") for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    broken = [
        f"{target}#{anchor}"
        for target, anchor in links(page)
        if not target.exists() or (anchor and anchor not in anchors(target))
    ]

    assert broken == []


def test_every_page_is_in_the_index():
    index = ROOT / "docs" / "index.md"

    pages = {target.resolve() for target, _ in links(index)}

    assert [page.name for page in PAGES if page.parent == index.parent and page not in {index, *pages}] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_json_example_is_json(page):
    for block in blocks(page, "json"):
        assert json.loads(block) is not None


def test_the_map_of_the_design_has_every_module_and_nothing_else():
    there = {path.name for path in [*(ROOT / "roomful").glob("*.py"), *(ROOT / "roomful/core").glob("*.py")]}
    packages = {path.parent.name for path in (ROOT / "roomful").glob("*/__init__.py")}
    text = (ROOT / "docs" / "design.md").read_text("utf-8")
    map_ = next(body for language, body in BLOCK.findall(text) if not language and "main.py" in body)
    folders, named = re.findall(r"^  (\w+)/", map_, re.MULTILINE), re.findall(r"\b\w+\.py\b", map_)

    assert set(named) == (there - {"__init__.py", "__main__.py"}) | {"main.py", "views.py", "columns.py"}
    assert set(folders) == packages


@pytest.mark.parametrize("name", ["bench-page", "constraints", "examples", "realism", "screenshots"])
def test_a_script_that_is_asked_for_help_does_nothing_else(name, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [name, "--help"])

    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(ROOT / "scripts" / name), run_name="__main__")

    assert left.value.code == 0
    assert f"usage: {name}" in capsys.readouterr().out


def test_every_route_is_documented():
    app = importlib.import_module("main").app
    words = all_words()

    contexts = [context for context in iter_route_contexts(app.routes) if not isinstance(context.route, Mount)]
    found = [str(context.path).replace(":path}", "}") for context in contexts]

    assert "/ws/{session_id}" in found
    assert [path for path in found if f"{path}`" not in words] == []


def test_every_command_is_documented():
    import typer

    cli = importlib.import_module("roomful.cli")
    (app,) = (value for value in vars(cli).values() if isinstance(value, typer.Typer))
    commands = typer.main.get_command(app).commands
    words = all_words()

    missing = [name for name in commands if f"roomful {name}" not in words]

    assert commands
    assert missing == []
