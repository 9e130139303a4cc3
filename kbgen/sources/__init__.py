"""The connectors: one class a platform, and the registry that says which kinds there are.

A new platform is a subclass of ``base.Source`` (or ``live.LiveSource``) in a file of its own and one more line in
``KINDS``; another package adds one by the entry point group ``kbgen.sources``. A connector is imported when its kind is
configured: loading all of them would cost more than a build that has nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from kbgen.errors import ConfigError
from kbgen.sources.base import Source, SourceOptions

KINDS: Mapping[str, str] = {
    "articles": "kbgen.sources.articles:ArticlesSource",
    "askbot": "kbgen.sources.askbot:AskbotSource",
    "discord": "kbgen.sources.discord:DiscordSource",
    "discourse": "kbgen.sources.discourse:DiscourseSource",
    "flarum": "kbgen.sources.flarum:FlarumSource",
    "forem": "kbgen.sources.forem:ForemSource",
    "github-discussions": "kbgen.sources.github_discussions:GitHubDiscussionsSource",
    "mybb": "kbgen.sources.mybb:MybbSource",
    "nodebb": "kbgen.sources.nodebb:NodebbSource",
    "phpbb": "kbgen.sources.phpbb:PhpbbSource",
    "jsonl": "kbgen.sources.jsonl:JsonlSource",
    "mbox": "kbgen.sources.mbox:MboxSource",
    "slack": "kbgen.sources.slack:SlackSource",
    "khoros": "kbgen.sources.khoros:KhorosSource",
    "kitsune": "kbgen.sources.kitsune:KitsuneSource",
    "publicinbox": "kbgen.sources.publicinbox:PublicInboxSource",
    "salesforce": "kbgen.sources.salesforce:SalesforceSource",
    "web": "kbgen.sources.web:WebSource",
    "stackexchange": "kbgen.sources.stackexchange:StackExchangeSource",
    "vbulletin": "kbgen.sources.vbulletin:VbulletinSource",
    "zendesk": "kbgen.sources.zendesk:ZendeskSource",
}
"""The kinds kbgen brings: the word for ``kind:`` to ``module:Class``."""
ENTRY_POINTS = "kbgen.sources"
"""The group of entry points other packages add kinds by; the entry point's name is the kind."""


class _Kinds(Mapping[str, type[SourceOptions]]):
    """Kind to the model of its block; a connector is imported when its kind is asked for."""

    def __getitem__(self, kind: str) -> type[SourceOptions]:
        return source_class(kind).Options

    def __contains__(self, kind: object) -> bool:
        return kind in KINDS or kind in _others()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*KINDS, *_others()}))

    def __len__(self) -> int:
        return len({*KINDS, *_others()})


def source_kinds() -> Mapping[str, type[SourceOptions]]:
    """The word for ``kind:`` in the configuration, to the model of that source's block."""
    return _Kinds()


def source_classes() -> tuple[type[Source], ...]:
    """Every kind's class, by kind. Imports all of them: for tests and for what lists them."""
    return tuple(source_class(kind) for kind in _Kinds())


def source_class(kind: str) -> type[Source]:
    """Import the connector of a kind.

    Raises:
        KeyError: no source has that kind.
        ConfigError: another package's entry point does not lead to a source of that kind.
    """
    if kind in KINDS:
        module, _, name = KINDS[kind].partition(":")
        found: type[Source] = getattr(import_module(module), name)
        return found
    return _foreign(kind, _others()[kind])


def open_source(options: SourceOptions, project: Path) -> Source:
    """Make the source a block of the configuration describes; nothing is read yet.

    Args:
        options: the validated block.
        project: the project folder.

    Raises:
        ConfigError: no source has that kind.
    """
    try:
        found = source_class(options.kind)
    except KeyError:
        known = ", ".join(_Kinds())
        msg = f"source {options.name}: the kind {options.kind!r} is unknown; one of: {known}"
        raise ConfigError(msg) from None
    return found(found.Options.model_validate(options.model_dump()), project)


@cache
def _others() -> Mapping[str, EntryPoint]:
    """Entry points of installed packages; what kbgen brings cannot be replaced by one."""
    return {point.name: point for point in entry_points(group=ENTRY_POINTS) if point.name not in KINDS}


def _foreign(kind: str, point: EntryPoint) -> type[Source]:
    where = f"the entry point {kind!r} of {ENTRY_POINTS} ({point.value})"
    try:
        found = point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{where} cannot be loaded: {error}; mend or remove the package that brings it") from error
    if not (isinstance(found, type) and issubclass(found, Source) and found.kind == kind):
        raise ConfigError(f"{where} is not a kbgen.sources.base.Source with kind = {kind!r}; tell its author")
    return found
