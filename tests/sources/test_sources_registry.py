"""Rules of ``kbgen.sources``: which kinds there are."""

from pathlib import Path

import pytest

from kbgen.errors import ConfigError
from kbgen.sources import SOURCES, open_source, source_kinds
from kbgen.sources.base import SourceOptions
from kbgen.sources.discourse import DiscourseOptions, DiscourseSource


def test_kinds_are_distinct_and_have_options() -> None:
    """Every kind stands once, with the model of its block."""
    assert source_kinds() == {source.kind: source.Options for source in SOURCES}
    assert len(source_kinds()) == len(SOURCES)
    assert {"articles", "discourse", "stackexchange"} <= set(source_kinds())


def test_a_block_opens_its_source(tmp_path: Path) -> None:
    """The kind in the options decides the class, which keeps options and project."""
    options = DiscourseOptions(name="forum", kind="discourse", url="https://forum.example.com")
    source = open_source(options, tmp_path)
    assert isinstance(source, DiscourseSource)
    assert (source.options, source.project, source.name) == (options, tmp_path, "forum")


def test_an_unknown_kind_is_a_configuration_error(tmp_path: Path) -> None:
    """A kind nobody serves is refused with those there are."""
    with pytest.raises(ConfigError, match=r"source x: the kind 'mail' is unknown; one of: articles, discourse, stack"):
        open_source(SourceOptions(name="x", kind="mail"), tmp_path)
