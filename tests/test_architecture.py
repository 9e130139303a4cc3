"""The shape of the code: layers, cycles, sizes, typing. What CONTRIBUTING.md draws is enforced here."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "kbgen"

# From the ground up. A module may import from its own group's package and from lower groups; packages of one
# group do not import each other.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("model",),
    ("addresses", "codebase", "executor", "progress", "runs"),
    ("config", "store", "sources", "search", "lock"),
    ("similar",),
    ("curate", "media", "compile", "site", "report", "harvest"),
    ("testing",),
    ("project", "preview", "standing"),
    ("pipeline",),
    ("console", "initialise", "recognise", "summary"),
    ("serve",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
# ``kbgen.sources`` knows words and records only.
SOURCES_MAY_IMPORT = {"sources", "model", "errors"}
FUNCTION_LINES, FILE_LINES, CLASS_LINES, PARAMETERS = 60, 500, 200, 6
# A command line is one parameter an option; a run of checks names its parts.
WIDE = "kbgen/cli/"


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package, parsed."""
    return {
        ".".join(("kbgen", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): ast.parse(
            path.read_text(encoding="utf-8"), str(path)
        )
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def file_of(module: str) -> Path:
    """The file of a module."""
    base = ROOT.joinpath(*module.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


@cache
def edges() -> dict[str, frozenset[str]]:
    """Module to the modules of the package it imports."""
    known = set(modules())
    found: dict[str, set[str]] = {}
    for name, tree in modules().items():
        targets: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "kbgen":
                targets |= {
                    f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in known else node.module
                    for alias in node.names
                }
            elif isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names if alias.name.split(".")[0] == "kbgen"}
        found[name] = targets - {name}
    return {name: frozenset(targets & known) for name, targets in found.items()}


def part(module: str) -> str:
    """The layer's word a module belongs to."""
    return module.split(".")[1] if "." in module else ""


def level(module: str) -> int:
    """Which layer a module is in, from 0 at the ground."""
    for number, group in enumerate(LAYERS):
        if part(module) in group:
            return number
    pytest.fail(f"{module} is in no layer; add it to LAYERS and to CONTRIBUTING.md")


def functions() -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function with the file it is in."""
    return [
        (file_of(name).relative_to(ROOT).as_posix(), node)
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def length(node: ast.stmt) -> int:
    """Lines of a definition, decorators left out."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_layers_point_one_way() -> None:
    """No module imports from its own level's other packages or from above."""
    wrong = [
        f"{name} -> {target}"
        for name, targets in edges().items()
        for target in targets
        if name != "kbgen" and target != "kbgen" and part(name) != part(target) and level(target) >= level(name)
    ]

    assert wrong == []


def test_sources_stand_alone() -> None:
    """A connector knows records and errors; not the store, not a stage."""
    wrong = [
        f"{name} -> {target}"
        for name, targets in edges().items()
        if part(name) == "sources"
        for target in targets
        if part(target) not in SOURCES_MAY_IMPORT
    ]

    assert wrong == []


def test_no_import_cycles() -> None:
    """Imports form no cycle."""
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            pytest.fail(" -> ".join((*trail[trail.index(name) :], name)))
        if name not in done:
            for target in sorted(edges()[name]):
                visit(target, (*trail, name))
            done.add(name)

    for name in modules():
        visit(name, ())


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("sqlite3", {"kbgen.store", "kbgen.sources"}),
        ("mkdocs", set()),
        ("whoosh", {"kbgen.search.terminal"}),
        ("httpx2", {"kbgen.sources.http_wire"}),
        ("httpcore2", {"kbgen.sources.http_wire", "kbgen.sources.http_guard"}),
        ("stamina", {"kbgen.sources.http_client"}),
        ("nh3", {"kbgen.curate"}),
        ("tokenizers", {"kbgen.similar"}),
        ("PIL", {"kbgen.media.encode"}),
    ],
)
def test_a_library_has_one_home(package: str, allowed: set[str]) -> None:
    """What may have to be swapped one day is imported in one place."""
    wrong = [
        name
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if (
            (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == package for alias in node.names))
            or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == package)
        )
        and not any(name == home or name.startswith(f"{home}.") for home in allowed)
    ]

    assert wrong == []


def test_no_function_outgrows_the_page() -> None:
    """A function fits on a screen; most are far shorter."""
    lengths = [(length(node), f"{file}:{node.lineno} {node.name}") for file, node in functions()]
    sizes = sorted(size for size, _ in lengths)

    assert [entry for entry in lengths if entry[0] > FUNCTION_LINES] == []
    assert median(sizes) <= 12
    assert sizes[int(len(sizes) * 0.95)] <= 35


def test_no_file_outgrows_a_reader() -> None:
    """A file is read in one sitting."""
    lengths = {
        file_of(name).relative_to(ROOT).as_posix(): len(file_of(name).read_text(encoding="utf-8").splitlines())
        for name in modules()
    }

    assert {file: size for file, size in lengths.items() if size > FILE_LINES} == {}
    assert median(lengths.values()) <= 200


def test_no_class_does_everything() -> None:
    """A class has one job."""
    wrong = []
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                public = [
                    item for item in node.body if isinstance(item, ast.FunctionDef) and not item.name.startswith("_")
                ]
                if length(node) > CLASS_LINES or len(public) > 14:
                    wrong.append(f"{name}.{node.name}: {length(node)} lines, {len(public)} public methods")

    assert wrong == []


def test_calls_stay_readable() -> None:
    """A function takes few parameters, and by position fewer."""
    wrong = [
        f"{file}:{node.lineno} {node.name}"
        for file, node in functions()
        if not file.startswith(WIDE)
        and len([*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]) > PARAMETERS + 1
    ]

    assert wrong == []


def test_everything_is_typed() -> None:
    """Every parameter and every result has a type."""
    wrong = []
    for file, node in functions():
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        bare = [arg.arg for arg in arguments if arg.annotation is None and arg.arg not in {"self", "cls"}]
        if bare or node.returns is None:
            wrong.append(f"{file}:{node.lineno} {node.name}({', '.join(bare)})")

    assert wrong == []


@pytest.mark.parametrize("module", ["model", "errors", "sources.base", "store.records", "pipeline"])
def test_the_public_face_is_documented(module: str) -> None:
    """Every public class and function of the modules everybody meets has a docstring."""
    tree = modules()[f"kbgen.{module}"]
    wrong = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
        and not node.name.startswith("_")
        and ast.get_docstring(node) is None
    ]

    assert wrong == []


def test_every_module_says_what_it_is() -> None:
    """A newcomer finds the place for a change by reading first lines."""
    wrong = [name for name, tree in modules().items() if ast.get_docstring(tree) is None]

    assert wrong == []


def test_nothing_is_called_utils() -> None:
    """A module is named after what it knows."""
    wrong = [name for name in modules() if {"utils", "util", "helpers", "common", "misc"} & set(name.split("."))]

    assert wrong == []


def test_every_test_says_its_rule() -> None:
    """Every test has a docstring: one sentence, the rule it guards."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and ast.get_docstring(node) is None
    ]

    assert wrong == []


def test_only_the_pipeline_survives_surprises() -> None:
    """``except Exception`` hides faults: it stands where a run ends, and where a record or a forum must not end it."""
    wrong = [
        f"{name}:{node.lineno}"
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception"))
        and name not in {"kbgen.pipeline", "kbgen.cli.root", "kbgen.curate.stage", "kbgen.harvest.isolated"}
    ]

    assert wrong == []


def test_the_linter_reads_every_module() -> None:
    """A pattern meant for the folder of a built site must not leave out the package of that name."""
    command = [sys.executable, "-m", "ruff", "check", "--show-files"]
    read = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    folders = ("kbgen", "plugins", "tests", "bench")
    wanted = {str(path) for folder in folders for path in (ROOT / folder).rglob("*.py")}

    assert set() == wanted - set(read)


def test_the_plugin_stays_small() -> None:
    """``plugins/`` is convenience: under 200 lines in all."""
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / "plugins").rglob("*.py"))

    assert lines < 200
