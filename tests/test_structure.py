"""What the code promises about its own shape."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "roomful"

LAYERS = (
    {"core"},
    {
        "chain",
        "codec",
        "enrolment_settings",
        "experiment",
        "factors",
        "freezing",
        "garbage",
        "logs",
        "manner",
        "models",
        "outcomes",
        "blocks",
        "pages",
        "patterns",
        "questions",
        "rules",
        "settings",
        "target_settings",
        "spoken",
        "timeline",
        "token_file",
        "treatments",
        "llm",
    },
    {"store"},
    {"folded", "log", "logfile", "trouble", "study_codec"},
    {"session", "enrolment"},
    {"erasure", "host", "realism", "rehearsal", "replay", "export"},
    {"assembly"},
    {"web", "cli", "__main__"},
    {"main"},
)
"""A module may import those of its own layer and of the layers above it in this list."""

IMPURE = {
    "asyncio", "concurrent", "contextvars", "datetime", "ftplib", "getpass", "glob", "http", "io", "locale", "logging",
    "multiprocessing", "os", "pathlib", "platform", "queue", "random", "sched", "secrets", "select", "selectors",
    "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib",
    "uuid", "warnings", "zoneinfo",
}  # fmt: skip
"""Modules of the standard library that wait, look at the world or change it."""

SELF_EXPLAINING_FIELDS = 3
SELF_EXPLAINING_PARAMETERS = 1

type Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A source file: `name` is its dotted name, `layer` the part of it that has a place among the layers."""

    path: Path
    name: str

    @cached_property
    def tree(self) -> ast.Module:
        # not where the tests are only collected, which each worker does
        return ast.parse(self.path.read_text("utf-8"))

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @property
    def layer(self) -> str:
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else parts[0]


@cache
def modules() -> list[Module]:
    paths = sorted(path for path in PACKAGE.rglob("*.py") if "versions" not in path.parts)
    paths += [path for path in [ROOT / "main.py"] if path.exists()]
    return [Module(path, dotted(path)) for path in paths]


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def layered() -> list[Module]:
    return [module for module in modules() if module.name != "roomful"]


def core() -> list[Module]:
    return [module for module in modules() if module.layer == "core"]


def each(found: list[Module]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("module", found, ids=[module.name for module in found])


def imports(module: Module) -> Iterator[str]:
    for node in module.nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # `from roomful import codec` names a module of ours by its last part
            own = node.module == "roomful"
            yield from (f"{node.module}.{alias.name}" if own else str(node.module) for alias in node.names)


def imported_layers(module: Module) -> set[str]:
    own = (name.split(".") for name in imports(module) if name == "main" or name.startswith("roomful."))
    return {parts[-1] if len(parts) == 1 else parts[1] for parts in own} - {"__version__"}


def depth(layer: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if layer in names)


@each(layered())
def test_a_module_has_its_place_among_the_layers(module):
    assert any(module.layer in names for names in LAYERS), f"give {module.layer} a place in LAYERS"


@each(layered())
def test_imports_point_down(module):
    above = {layer for layer in imported_layers(module) if depth(layer) > depth(module.layer)}

    assert above == set()


@each(core())
def test_the_core_imports_the_standard_library_and_itself(module):
    foreign = {
        name
        for name in imports(module)
        if not name.startswith("roomful.core") and name.split(".")[0] not in sys.stdlib_module_names
    }

    assert foreign == set()


@each(core())
def test_the_core_neither_waits_nor_looks_at_the_world(module):
    waiting = [
        node
        for node in module.nodes
        if isinstance(node, ast.Await | ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith)
    ]
    called = {node.func.id for node in module.nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}

    assert waiting == []
    assert {name.split(".")[0] for name in imports(module)} & IMPURE == set()
    assert called & {"open", "input", "exec", "eval", "__import__"} == set()


@each(modules())
def test_nothing_is_printed(module):
    calls = (node for node in module.nodes if isinstance(node, ast.Call))
    printed = [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]

    assert printed == []


def over_a_union(match: ast.Match) -> bool:
    *arms, _ = match.cases
    return isinstance(match.subject, ast.Name) and all(isinstance(arm.pattern, ast.MatchClass) for arm in arms)


def passes_on(case: ast.match_case, subject: str) -> bool:
    """Whether the last arm gives what is left to assert_never, or to a function whose parameter types bound it."""
    wildcard = isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.guard is None
    calls = (node for statement in case.body for node in ast.walk(statement) if isinstance(node, ast.Call))
    given = (argument.id for call in calls for argument in call.args if isinstance(argument, ast.Name))
    return wildcard and subject in given


@each(core())
def test_a_match_over_a_union_leaves_nothing_out(module):
    matches = [node for node in module.nodes if isinstance(node, ast.Match) and over_a_union(node)]

    leaky = [match.lineno for match in matches if not passes_on(match.cases[-1], ast.unparse(match.subject))]

    assert leaky == []


def public(body: list[ast.stmt]) -> Iterator[ast.ClassDef | Function]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node


def is_protocol(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).split("[")[0] in ("Protocol", "typing.Protocol") for base in node.bases)


@cache
def protocol_methods() -> set[str]:
    """Names of methods that a Protocol documents: whoever implements one need not say it again."""
    classes = [node for module in modules() for node in public(module.tree.body) if isinstance(node, ast.ClassDef)]
    return {method.name for node in classes if is_protocol(node) for method in public(node.body)}


def parameters(node: Function) -> int:
    taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return len([argument for argument in taken if argument.arg not in ("self", "cls")])


def explains_itself(node: ast.ClassDef | Function) -> bool:
    """A class of up to three annotated fields, or a function of up to one parameter whose types are written out."""
    if isinstance(node, ast.ClassDef):
        fields_only = all(isinstance(line, ast.AnnAssign | ast.Pass) for line in node.body)
        return fields_only and len(node.body) <= SELF_EXPLAINING_FIELDS
    return node.returns is not None and parameters(node) <= SELF_EXPLAINING_PARAMETERS


def undocumented(tree: ast.Module) -> Iterator[str]:
    if ast.get_docstring(tree) is None:
        yield "the module"
    for node in public(tree.body):
        if ast.get_docstring(node) is None and not explains_itself(node):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{name}" for name in undocumented_methods(node))


def undocumented_methods(node: ast.ClassDef) -> Iterator[str]:
    for method in public(node.body):
        known = not is_protocol(node) and method.name in protocol_methods()
        if ast.get_docstring(method) is None and not explains_itself(method) and not known:
            yield method.name


@each(modules())
def test_public_names_are_documented_or_explain_themselves(module):
    assert list(undocumented(module.tree)) == []
