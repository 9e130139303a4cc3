"""From the project's ``mkdocs.yml`` to the one the engine is run with.

The file is handled as YAML nodes, never as values, so that tags only the engine understands (``!ENV``,
``!!python/name:...``) come through as they were written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from kbgen.config import SiteConfig
from kbgen.errors import EngineError
from kbgen.model import yaml_text

_DEFAULT_NAV = (("Home", ""), ("Topics", "topics/"), ("Articles", "articles/"))


@dataclass(frozen=True)
class Run:
    """One engine run: its folders and its language.

    Folders are relative to the generated configuration: Zensical takes no others.

    Attributes:
        project: the project folder, for the files mkdocs.yml names.
        docs: what the engine reads; ``site`` what it writes.
        theme: the merged templates.
        lang: language of the theme's words.
        whole: it renders the writers' pages too, not the shells alone.
    """

    project: Path
    docs: str
    site: str
    theme: str
    lang: str
    whole: bool


def read(file: Path) -> yaml.MappingNode:
    """The project's configuration as YAML nodes.

    Raises:
        EngineError: the file is missing or is not a YAML mapping.
    """
    try:
        node = yaml_text.compose(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise EngineError(f"mkdocs.yml: {error.strerror}; `kbgen init DIR` writes one") from error
    except UnicodeDecodeError as error:
        raise EngineError(
            f"mkdocs.yml: is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error
    except yaml_text.YamlFault as fault:
        raise EngineError(f"mkdocs.yml:{fault.line}: not valid YAML: {fault.reason}; mend the line") from fault
    if not isinstance(node, yaml.MappingNode):
        raise EngineError("mkdocs.yml:1: must be a mapping with keys such as theme and nav")
    return node


def generate(source: yaml.MappingNode, site: SiteConfig, run: Run, extra: dict[str, object]) -> str:
    """The text of the configuration for one run.

    Args:
        source: as ``read`` gives it; not changed.
        site: name and address win over those in ``source``.
        run: folders and language.
        extra: becomes ``extra.kbgen``.
    """
    top = [pair for pair in source.value if _key(pair) not in ("strict", "docs_dir", "site_dir", "nav")]
    new = yaml.MappingNode(source.tag, top, flow_style=False)
    _put(new, "site_name", _node(site.name))
    _put(new, "site_url", _node(site.url))
    _put(new, "docs_dir", _node(run.docs))
    _put(new, "site_dir", _node(run.site))
    _put(new, "use_directory_urls", _node(value=True))
    _put(new, "plugins", _plugins(_get(source, "plugins"), whole=run.whole))
    _put(new, "theme", _theme(_get(source, "theme"), run))
    _put(new, "extra", _with(_get(source, "extra"), "kbgen", _node(extra)))
    for key in ("hooks", "INHERIT"):
        if node := _get(source, key):
            _put(new, key, _absolute(node, run.project))
    nav = _get(source, "nav")
    if run.whole and nav is not None:
        _put(new, "nav", nav)
    return str(yaml.serialize(new, Dumper=yaml.SafeDumper, allow_unicode=True))


def navigation(source: yaml.MappingNode) -> tuple[tuple[str, str], ...]:
    """The top level of ``nav``: titles with site-relative paths or absolute addresses.

    A section is reached by its first page. Without ``nav``: home, topics and articles.
    """
    nav = _get(source, "nav")
    if not isinstance(nav, yaml.SequenceNode):
        return _DEFAULT_NAV
    found = []
    for item in nav.value:
        if isinstance(item, yaml.MappingNode) and item.value:
            title, target = item.value[0]
            first = next(_scalars(target), None)
            if first is not None:
                found.append((str(title.value), site_path(first)))
    return tuple(found)


def theme_folder(source: yaml.MappingNode) -> str | None:
    """``theme.custom_dir`` as written, None when there is none."""
    theme = _get(source, "theme")
    folder = _get(theme, "custom_dir") if isinstance(theme, yaml.MappingNode) else None
    return str(folder.value) if folder is not None else None


def logo(source: yaml.MappingNode) -> str | None:
    """``theme.logo``, the site path of the logo, None when there is none."""
    theme = _get(source, "theme")
    found = _get(theme, "logo")
    return str(found.value) if found is not None else None


def further_files(source: yaml.MappingNode, project: Path) -> list[Path]:
    """Files besides ``mkdocs.yml`` that the engine reads from the project: hooks and an inherited file."""
    nodes = (_get(source, "hooks"), _get(source, "INHERIT"))
    return [project / name for node in nodes if node is not None for name in _scalars(node)]


def site_path(target: str) -> str:
    """Where the engine puts a document (``articles/index.md`` is ``articles/``); anything else as it is."""
    if "://" in target or not target.endswith(".md"):
        return target
    path = target.removesuffix(".md")
    return path.removesuffix("index") if path.split("/")[-1] == "index" else path + "/"


def _scalars(node: yaml.Node) -> Iterator[str]:
    if isinstance(node, yaml.ScalarNode):
        yield str(node.value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _scalars(item)
    elif isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            yield from _scalars(value)


def _plugins(node: yaml.Node | None, *, whole: bool) -> yaml.Node:
    """The project's plugins without kbgen's own (it would start a build in the build) and Material's search."""
    ours = {"kbgen", "search", "material/search"}
    if isinstance(node, yaml.SequenceNode) and whole:
        kept = [item for item in node.value if _plugin_name(item) not in ours]
        return yaml.SequenceNode(node.tag, kept, flow_style=False)
    if isinstance(node, yaml.MappingNode) and whole:
        return yaml.MappingNode(node.tag, [pair for pair in node.value if _key(pair) not in ours], flow_style=False)
    return _node([])


def _plugin_name(item: yaml.Node) -> str:
    return _key(item.value[0]) if isinstance(item, yaml.MappingNode) and item.value else str(item.value)


def _theme(node: yaml.Node | None, run: Run) -> yaml.Node:
    if not isinstance(node, yaml.MappingNode):
        node = _node({"name": "material"})
    theme = _with(node, "custom_dir", _node(run.theme))
    # Zensical's word for the look of Material, which kbgen's style sheet is made for; MkDocs does not mind it.
    for key, value in (("name", "material"), ("font", False), ("variant", "classic")):
        if _get(theme, key) is None:
            _put(theme, key, _node(value))
    _put(theme, "language", _node(theme_language(run.lang)))
    return theme


def theme_language(lang: str) -> str:
    """Material's name of a language: it has ``pt-BR`` and ``zh-TW``, but ``zh`` for ``zh-CN``."""
    base, _, region = lang.partition("-")
    kept = {("pt", "br"): "pt-BR", ("zh", "tw"): "zh-TW", ("zh", "hant"): "zh-Hant"}
    return kept.get((base, region.lower()), base)


def _absolute(node: yaml.Node, project: Path) -> yaml.Node:
    if isinstance(node, yaml.SequenceNode):
        return _node([str(project / str(item.value)) for item in node.value])
    return _node(str(project / str(node.value)))


def _node(value: object) -> yaml.Node:
    node: yaml.Node = yaml.representer.SafeRepresenter().represent_data(value)
    return node


def _key(pair: tuple[yaml.Node, yaml.Node]) -> str:
    return str(pair[0].value)


def _get(node: yaml.Node | None, key: str) -> yaml.Node | None:
    pairs: Iterable[tuple[yaml.Node, yaml.Node]] = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((pair[1] for pair in pairs if _key(pair) == key), None)


def _put(node: yaml.MappingNode, key: str, value: yaml.Node) -> None:
    node.value[:] = [pair for pair in node.value if _key(pair) != key] + [(_node(key), value)]


def _with(node: yaml.Node | None, key: str, value: yaml.Node) -> yaml.MappingNode:
    """A copy of a mapping (or a new one) with one key set."""
    pairs = list(node.value) if isinstance(node, yaml.MappingNode) else []
    copy = yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=False)
    _put(copy, key, value)
    return copy
