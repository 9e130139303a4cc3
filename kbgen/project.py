"""A project folder opened: configuration, sources, and the decisions people wrote into files.

Everything here is read-only; what a run does with it is ``pipeline``'s business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from kbgen.config import CONFIG_FILE, Config, load_config
from kbgen.curate.erasure import Erasure, load_erasure
from kbgen.curate.overlays import load_overlays
from kbgen.curate.review import Decision, load_review, with_decisions
from kbgen.curate.taxonomy import load_taxonomy
from kbgen.errors import ConfigError, RecordError, UsageError
from kbgen.model import Overlay, Ref, SourceInfo, Taxonomy
from kbgen.site.redirects import load_redirects
from kbgen.sources import open_source, source_kinds
from kbgen.sources.articles import ArticlesOptions
from kbgen.sources.base import Source, SourceOptions

CONTENT = "content"
ARTICLES_FOLDER = "content/articles"
CACHE = ".kbgen"


@dataclass(frozen=True)
class Project:
    """An opened project.

    Attributes:
        options: of every configured source, the project's own articles (``content``) last.
    """

    folder: Path
    config: Config
    options: tuple[SourceOptions, ...]

    @property
    def cache(self) -> Path:
        """Store, caches and lock; safe to delete once the site is published."""
        return self.folder / CACHE

    @property
    def store_file(self) -> Path:
        """The store."""
        return self.cache / "store.sqlite"

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """Topics with their written introductions, tags and mappings.

        Raises:
            ConfigError: with every fault of ``taxonomy.yml`` and ``content/topics/``.
        """
        return load_taxonomy(self.folder)

    @cached_property
    def _overlays(self) -> tuple[dict[Ref, Overlay], list[RecordError]]:
        try:
            taxonomy = self.taxonomy
        except ConfigError:
            # Told where the taxonomy is asked for; until then there is nothing to hold overlays against.
            return load_overlays(self.folder)
        return load_overlays(self.folder, taxonomy)

    @cached_property
    def overlays(self) -> Mapping[Ref, Overlay]:
        """Writers' decisions by thread, merges and splits of ``kbgen review`` among them.

        Raises:
            ConfigError: with every fault of ``review.yml``.
        """
        return with_decisions(self._overlays[0], self.decisions)

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """What people decided with ``kbgen review``.

        Raises:
            ConfigError: with every fault of ``review.yml``.
        """
        return load_review(self.folder)

    @cached_property
    def erasure(self) -> Erasure:
        """Whom and what nothing is to be kept of.

        Raises:
            ConfigError: with every fault of ``erasure.yml``.
        """
        return load_erasure(self.folder)

    @property
    def overlay_faults(self) -> tuple[str, ...]:
        """Overlays that could not be read, and words in them the taxonomy does not know; the others count."""
        return tuple(str(error) for error in self._overlays[1])

    @cached_property
    def redirects(self) -> Mapping[str, str | None]:
        """What an operator wrote into ``site_config/redirects.yml``.

        Raises:
            ConfigError: with every fault.
        """
        return load_redirects(self.folder)

    @cached_property
    def infos(self) -> dict[str, SourceInfo]:
        """What readers have to know of each source."""
        return {options.name: _info(options, self.config) for options in self.options}

    def sources(self, names: tuple[str, ...] = ()) -> list[Source]:
        """The sources to harvest, all of them when no names are given.

        Raises:
            UsageError: a name is not configured.
        """
        known = [options.name for options in self.options]
        unknown = [name for name in names if name not in known]
        if unknown:
            raise UsageError(f"no source is named {', '.join(unknown)}; configured: {', '.join(known) or 'none'}")
        return [open_source(options, self.folder) for options in self.options if not names or options.name in names]

    def digest(self) -> str:
        """Of all settings and decisions that shape the site without passing through curated items."""
        parts = [self.config.model_dump_json(), self.taxonomy.digest, repr(self.taxonomy.topics)]
        parts += [repr(sorted(self.redirects.items())), repr(self.infos)]
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def open_project(folder: Path) -> Project:
    """Read a project's configuration.

    Raises:
        ConfigError: with every fault.
    """
    config = load_config(folder, source_kinds())
    options: list[SourceOptions] = list(config.sources)
    if any(one.name == CONTENT for one in options):
        raise ConfigError(f"{CONFIG_FILE}: the source name {CONTENT!r} is taken by content/articles; choose another")
    if (folder / ARTICLES_FOLDER).is_dir():
        own = ArticlesOptions(
            name=CONTENT, kind="articles", title=config.site.name, path=ARTICLES_FOLDER, rendered_by_engine=True
        )
        options.append(own)
    return Project(folder, config, tuple(options))


def _info(options: SourceOptions, config: Config) -> SourceInfo:
    host = urlsplit(options.url or "").hostname
    return SourceInfo(
        name=options.name,
        kind=options.kind,
        title=options.title or host or (config.site.name if options.name == CONTENT else options.name),
        url=options.url,
        licence=options.licence,
        licence_url=options.licence_url,
        canonical=options.canonical,
        crawlable=options.crawlable,
    )
