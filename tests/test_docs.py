"""The documentation says what the code does: every name people meet is in it, and what is in it exists."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import typer.main
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from test_architecture import LAYERS

from kbgen.cli import app
from kbgen.config import Config
from kbgen.curate import overlays, taxonomy
from kbgen.model import Visibility
from kbgen.site.check_report import CHECKS, WARNINGS
from kbgen.sources import source_kinds
from kbgen.sources.base import SourceOptions

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "kbgen"
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
_CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@cache
def page(name: str) -> str:
    """The text of a page of the documentation."""
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def everything() -> str:
    """README and docs in one text."""
    return "\n".join(file.read_text(encoding="utf-8") for file in PAGES)


def section(name: str, heading: str) -> str:
    """The part of a page below one heading of level 2."""
    parts = re.split(r"^## ", page(name), flags=re.MULTILINE)
    return next(part for part in parts if part.splitlines()[0] == heading)


def words(text: str) -> set[str]:
    """Everything that stands in backquotes."""
    return set(re.findall(r"`([^`\n]+)`", text))


def row(text: str, key: str) -> list[str]:
    """The cells of the table row whose first cell names a key."""
    lines = [line for line in text.splitlines() if line.startswith("|") and f"`{key}`" in line.split("|")[1]]
    assert lines, f"{key} has no row in the table"
    return [cell.strip() for cell in lines[0].strip("|").split("|")]


def shown(field: FieldInfo) -> str:
    """A default as the tables write it."""
    value: Any = field.default
    if field.is_required():
        return "needed"
    if isinstance(value, tuple):
        return f"`[{', '.join(value)}]`" if value else "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "empty" if value == "" else f"`{value}`"


def settings() -> Iterator[tuple[str, str]]:
    """Every key of every section of kbgen.yml."""
    for name, field in Config.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from ((name, key) for key in field.annotation.model_fields)


def strings(tree: ast.AST) -> Iterator[str]:
    """Every string below a node, parts of f-strings included."""
    yield from (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


@cache
def sources_of_messages() -> str:
    """Every string of the package, to look for messages in."""
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in sorted(PACKAGE.rglob("*.py")))
    return "\0".join(text for tree in trees for text in strings(tree))


def reasons() -> set[str]:
    """Every reason a verdict can have: literal ones, those of the rules, and what is not public."""
    found = set(get_args(Visibility)) - {"public"}
    rules = ast.parse((PACKAGE / "curate/verdict.py").read_text(encoding="utf-8"))
    pairs = [node.elts for node in ast.walk(rules) if isinstance(node, ast.Tuple) and len(node.elts) == 2]
    found |= {first.value for first, _ in pairs if isinstance(first, ast.Constant) and isinstance(first.value, str)}
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Verdict" and len(node.args) > 1:
                found |= set(strings(node.args[1]))
    return found


def article_keys() -> set[str]:
    """Every front matter key an article is asked for."""
    tree = ast.parse((PACKAGE / "sources/article_fields.py").read_text(encoding="utf-8"))
    reader = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "fields")
    calls = [node for node in ast.walk(reader) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return {text for call in calls for argument in call.args for text in strings(argument)} | {"id"}


@pytest.mark.parametrize(("name", "key"), list(settings()))
def test_every_setting_is_documented_with_its_default(name: str, key: str) -> None:
    """A section's table has a row for each key, and the default in it is the real one."""
    model = Config.model_fields[name].annotation
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    assert row(section("docs/configuration.md", f"`{name}`"), key)[1] == shown(model.model_fields[key])


def test_every_section_is_documented() -> None:
    """No section of kbgen.yml is missing, and none is invented."""
    headings = re.findall(r"^## `(\w+)`$", page("docs/configuration.md"), re.MULTILINE)
    assert headings == list(Config.model_fields)


@pytest.mark.parametrize("kind", sorted(source_kinds()))
def test_every_key_of_a_source_is_documented(kind: str) -> None:
    """Keys of every source stand in one table, a kind's own in its section."""
    common = words(section("docs/sources.md", "Keys of every source"))
    own = words(section("docs/sources.md", f"`{kind}`"))
    assert set(SourceOptions.model_fields) - common == set()
    assert set(source_kinds()[kind].model_fields) - common - own == set()


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command with its options."""
    pending: list[tuple[str, Any]] = [("", typer.main.get_command(app))]
    while pending:
        name, command = pending.pop()
        below = getattr(command, "commands", {})
        pending += [(f"{name} {word}".strip(), child) for word, child in below.items()]
        yield name, [option for parameter in command.params for option in parameter.opts if option.startswith("--")]


@pytest.mark.parametrize(("name", "options"), sorted(commands()))
def test_every_command_and_option_is_documented(name: str, options: list[str]) -> None:
    """A command is shown as it is typed; each of its options is named somewhere."""
    text = re.sub(r"\s+", " ", everything())
    assert name == "" or f"kbgen {name}" in text
    known = set(re.findall(r"--[a-z-]+", text)) | {"--version", "--help", "--quiet", "--verbose"}
    assert set(options) - known == set()


def test_every_reason_is_documented() -> None:
    """Whoever reads a reason in a report finds it in the configuration's rules."""
    found = reasons()
    assert {"accepted", "no-author", "malformed", "unlisted", "draft"} <= found
    assert found - words(section("docs/configuration.md", "`rules`")) == set()


@pytest.mark.parametrize("check", sorted(CHECKS))
def test_every_check_is_documented(check: str) -> None:
    """Each id has a row; those that only warn are marked so."""
    assert row(section("docs/operations.md", "Checks"), check)[1].startswith("Warning") == (check in WARNINGS)


@pytest.mark.parametrize(
    ("heading", "keys"),
    [
        ("Articles", article_keys()),
        ("Overlays", set(overlays.KEYS)),
        ("Topics", set(taxonomy.INTRO_KEYS)),
        ("The taxonomy", {*taxonomy._TOP, *taxonomy._TOPIC, *taxonomy._TAG} - {"topics"}),
    ],
)
def test_every_key_of_a_written_file_is_documented(heading: str, keys: set[str]) -> None:
    """Front matter and taxonomy keys stand in the section of their file."""
    text = section("docs/writing.md", heading)
    assert {key for key in keys if f"`{key}`" not in text and f"`{key}:`" not in text} == set()


def test_the_layers_are_drawn_as_they_are_enforced() -> None:
    """The drawings for newcomers and the test that walks the imports agree."""
    enforced = [set(group) for group in reversed(LAYERS) if group != ("__main__",)]
    block = section("docs/architecture.md", "Layers").split("\n\n")[2]
    assert [set(line.split()) for line in block.splitlines()] == enforced
    drawing = section("CONTRIBUTING.md", "Layers").split("\n\n")[2]
    assert [set(re.findall(r"\w+", group)) for group in drawing.split(">")] == enforced


def messages() -> list[str]:
    """The messages of the troubleshooting table."""
    lines = section("docs/operations.md", "Troubleshooting").splitlines()
    return [found[1] for line in lines if (found := re.match(r"\| `([^`]+)` \|", line))]


@pytest.mark.parametrize("message", messages())
def test_every_message_in_the_table_is_one_of_ours(message: str) -> None:
    """What people paste from a terminal is found as it was said; N and NAME stand for what differs."""
    pieces = [piece for piece in re.split(r"\bN\b|\bNAME\b|\.\.\.\?", message) if len(piece.strip()) > 3]
    assert [piece for piece in pieces if piece.strip(" ()") not in sources_of_messages()] == []


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_links_lead_somewhere(file: Path) -> None:
    """Relative links are files of the repository, and their anchors headings of them."""
    broken = []
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", _CODE_BLOCK.sub("", file.read_text(encoding="utf-8"))):
        path, _, anchor = link.partition("#")
        target = file.parent / path if path else file
        headings = (
            re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE) if target.is_file() else []
        )
        slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        if not target.exists() or (anchor and anchor not in slugs):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("name", ["docs/architecture.md", "docs/sources.md", "CONTRIBUTING.md"])
def test_files_named_in_the_docs_exist(name: str) -> None:
    """Whoever follows the map finds the place."""
    named = {
        word
        for word in words(_CODE_BLOCK.sub("", page(name)))
        if re.fullmatch(r"[\w./-]+(\.py|\.css|\.lock|/)", word) and not word.startswith((".", "/"))
    }
    assert len(named) > 0
    homes = (PACKAGE, ROOT)
    generated = {"site/", "my-help/", "build/"}
    assert [word for word in sorted(named - generated) if not any((home / word).exists() for home in homes)] == []
