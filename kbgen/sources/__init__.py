"""The connectors: one class a platform, and the registry that says which kinds there are.

A new platform is a subclass of ``base.Source`` in a file of its own and one more entry in ``SOURCES``;
``kbgen.testing`` checks that it keeps the rules.
"""

from __future__ import annotations

from pathlib import Path

from kbgen.errors import ConfigError
from kbgen.sources.articles import ArticlesSource
from kbgen.sources.base import Source, SourceOptions
from kbgen.sources.discourse import DiscourseSource
from kbgen.sources.stackexchange import StackExchangeSource

SOURCES: tuple[type[Source], ...] = (ArticlesSource, DiscourseSource, StackExchangeSource)
"""Every kind of source there is."""


def source_kinds() -> dict[str, type[SourceOptions]]:
    """The word for ``kind:`` in the configuration, to the model of that source's block."""
    return {source.kind: source.Options for source in SOURCES}


def open_source(options: SourceOptions, project: Path) -> Source:
    """Make the source a block of the configuration describes; nothing is read yet.

    Args:
        options: the validated block.
        project: the project folder.

    Raises:
        ConfigError: no source has that kind.
    """
    for source in SOURCES:
        if source.kind == options.kind:
            return source(source.Options.model_validate(options.model_dump()), project)
    known = ", ".join(sorted(source.kind for source in SOURCES))
    raise ConfigError(f"source {options.name}: the kind {options.kind!r} is unknown; one of: {known}")
