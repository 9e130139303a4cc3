"""Rules of ``kbgen.sources``: which kinds there are, and that none is loaded before it is wanted."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import SecretStr

import kbgen.sources
from kbgen.errors import ConfigError
from kbgen.sources import KINDS, open_source, source_class, source_classes, source_kinds
from kbgen.sources.base import SourceOptions
from kbgen.sources.discourse import DiscourseOptions, DiscourseSource


def test_kinds_are_distinct_and_have_options() -> None:
    """Every kind stands once, names its class, and has the model of its block."""
    assert source_kinds() == {source.kind: source.Options for source in source_classes()}
    assert {kind: source_class(kind).kind for kind in source_kinds()} == {kind: kind for kind in source_kinds()}
    assert {"articles", "discourse", "stackexchange"} <= set(source_kinds())
    assert "mail-pigeons" not in source_kinds()


def test_what_opens_doors_is_hidden_by_its_type() -> None:
    """Every key, token or password among the options is a ``SecretStr``, so that nothing prints it by accident."""
    named = re.compile(r"(^|_)(key|token|secret|password|cookie)$")
    fields = [
        (source.kind, name, field.annotation)
        for source in source_classes()
        for name, field in source.Options.model_fields.items()
        if named.search(name)
    ]
    assert {"discourse", "flarum", "nodebb", "stackexchange", "zendesk"} <= {kind for kind, _, _ in fields}
    assert [] == [(kind, name) for kind, name, held in fields if SecretStr not in (held, *get_args(held))]


def test_a_block_opens_its_source(tmp_path: Path) -> None:
    """The kind in the options decides the class, which keeps options and project."""
    options = DiscourseOptions(name="forum", kind="discourse", url="https://forum.example.com")
    source = open_source(options, tmp_path)
    assert isinstance(source, DiscourseSource)
    assert (source.options, source.project, source.name) == (options, tmp_path, "forum")


def test_an_unknown_kind_is_a_configuration_error(tmp_path: Path) -> None:
    """A kind nobody serves is refused with those there are."""
    with pytest.raises(ConfigError, match=r"source x: the kind 'pigeons' is unknown; one of: articles, .*discourse, "):
        open_source(SourceOptions(name="x", kind="pigeons"), tmp_path)


def test_naming_the_kinds_loads_no_connector() -> None:
    """A run that reads one kind of source does not pay for the others, nor for an HTTP library."""
    code = (
        "import sys; from kbgen.sources import open_source, source_kinds; sorted(source_kinds()); "
        "source_kinds()['articles']; import kbgen.standing; "
        "print(*sorted(name for name in sys.modules if name.startswith('kbgen.sources.') or name == 'httpx'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    own = {module.partition(":")[0] for kind, module in KINDS.items() if kind != "articles"}
    assert loaded & {*own, "httpx"} == set()
    assert "kbgen.sources.articles" in loaded


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages: one source in it, whose entry points the test writes."""
    (tmp_path / "pigeons.py").write_text(
        "from kbgen.sources.base import Source\n\nclass Pigeons(Source):\n    kind = 'pigeons'\n\nNOT = 1\n"
    )
    (tmp_path / "pigeons-1.dist-info").mkdir()
    (tmp_path / "pigeons-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: pigeons\nVersion: 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    kbgen.sources._others.cache_clear()
    yield tmp_path / "pigeons-1.dist-info/entry_points.txt"
    kbgen.sources._others.cache_clear()
    sys.modules.pop("pigeons", None)


def test_another_package_adds_a_kind_by_entry_point(install: Path) -> None:
    """Its kind is known like one of ours, and imported when it is asked for."""
    install.write_text("[kbgen.sources]\npigeons = pigeons:Pigeons\n")
    assert "pigeons" in source_kinds()
    assert "pigeons" not in sys.modules
    assert source_class("pigeons").__name__ == "Pigeons"


def test_an_entry_point_cannot_replace_what_kbgen_brings(install: Path) -> None:
    """A package that calls its source ``articles`` changes nothing."""
    install.write_text("[kbgen.sources]\narticles = pigeons:Pigeons\n")
    assert source_class("articles").__module__ == "kbgen.sources.articles"


@pytest.mark.parametrize("value", ["pigeons:NOT", "pigeons:Missing", "nowhere:At"])
def test_a_wrong_entry_point_is_named(install: Path, value: str) -> None:
    """One that leads nowhere, or to no source, is a fault that names it."""
    install.write_text(f"[kbgen.sources]\npigeons = {value}\n")
    with pytest.raises(ConfigError, match=f"the entry point 'pigeons' of kbgen.sources .{value}."):
        source_class("pigeons")
