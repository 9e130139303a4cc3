"""``site_config/kbgen.yml`` to frozen models: every fault at once, each with file, line and key.

The kinds of sources are passed in (``kinds``): this module does not know the connectors, and a third-party
connector needs no change here.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from kbgen.errors import ConfigError
from kbgen.model import yaml_text

CONFIG_FILE = "site_config/kbgen.yml"
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
# ``{`` cannot stand in a plain scalar inside ``{...}``, yet ``api_key: ${KEY}`` is written there: the braces are
# private-use characters while YAML looks at the text.
_ENV = re.compile("\ue000([A-Za-z_][A-Za-z0-9_]*)\ue001")
_SHORTEST_SECRET = 6
_LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$"

Action = Literal["publish", "hold", "drop"]
Position = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


class Section(BaseModel):
    """Base of every section: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SiteConfig(Section):
    """``site:`` names the site and says where it lives."""

    name: str
    url: str
    languages: tuple[str, ...] = ("en",)
    tagline: str = "How can we help?"
    description: str = ""
    publisher: str = ""
    publisher_url: str = ""
    ask_url: str = ""
    ask_label: str = "Ask the community"
    social_image: str = "assets/social.png"
    popular_searches: tuple[str, ...] = ()
    noindex: bool = False

    @field_validator("url")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^/?#\s@]+(/[^?#\s]*)?", value):
            msg = "must be an absolute address without query, such as https://help.example.com/"
            raise ValueError(msg)
        return value if value.endswith("/") else value + "/"

    @field_validator("languages")
    @classmethod
    def _codes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [code for code in value if not re.match(_LANGUAGE, code)]
        if wrong or not value:
            msg = f"must be language codes such as en, he, zh; got {', '.join(wrong) or 'none'}"
            raise ValueError(msg)
        return value


class RulesConfig(Section):
    """``rules:`` what each kind of thread is worth: ``publish``, ``hold`` (a person decides) or ``drop``."""

    accepted: Action = "publish"
    staff_answered: Action = "publish"
    by_reaction: Action = "hold"
    answered: Action = "drop"
    unanswered: Action = "drop"
    thin: Action = "drop"
    off_topic: Action = "drop"
    closed: Action = "publish"
    duplicate: Action = "publish"
    unlisted: Action = "drop"
    # Measured on three communities: answers under 40 characters are "thanks, solved" or a bare link.
    thin_characters: int = Field(default=40, ge=0)
    # Below it a mark is a convention that often means something else (a reaction, a tag): a person decides.
    minimum_confidence: float = Field(default=0.8, ge=0, le=1)
    other_answers: int = Field(default=5, ge=0, le=50)
    other_answer_score: int = 1
    current_version: str = ""
    stale_notice: bool = False


class SeoConfig(Section):
    """``seo:`` canonical policy, robots and feeds."""

    canonical: Literal["auto", "source", "self"] = "auto"
    ai: Literal["allow", "search-only", "none"] = "allow"
    feed_items: int = Field(default=40, ge=1, le=500)
    sitemap_limit: int = Field(default=10_000, ge=1, le=50_000)
    llms_txt: bool = True


class PagesConfig(Section):
    """``pages:`` which pages there are and how long a listing is."""

    per_page: int = Field(default=50, ge=5, le=500)
    people: bool = False
    tag_index_minimum: int = Field(default=3, ge=1)
    related: int = Field(default=6, ge=0, le=20)


class PrivacyConfig(Section):
    """``privacy:`` what is taken out of harvested text."""

    redact: tuple[Literal["email", "phone", "token"], ...] = ("email", "phone", "token")
    allow_domains: tuple[str, ...] = ("example.com", "example.org", "example.net")


class GuardConfig(Section):
    """``guard:`` how much may vanish in one run before it stops and asks."""

    max_vanish: float = Field(default=0.2, ge=0, le=1)
    min_pages: int = Field(default=20, ge=0)
    # A forum that suddenly shows half of what it had asks for a login, or was misread.
    max_withdrawn: float = Field(default=0.5, ge=0, le=1)


class DuplicatesConfig(Section):
    """``duplicates:`` which threads become one page by themselves, and which pairs a person is asked about."""

    enabled: bool = True
    # Read on six communities: all of the (few) pairs above it ask the same; below 0.8 every other does not.
    merge: float = Field(default=0.85, ge=0.3, le=2)
    # Above it a third to a half do: worth a person's look.
    suggest: float = Field(default=0.5, ge=0.2, le=2)
    largest: int = Field(default=50, ge=2, le=1000)
    semantic: Annotated[Literal["auto", "on", "off"], BeforeValidator(yaml_text.switch)] = "auto"


class HttpConfig(Section):
    """``http:`` how communities are asked over the network."""

    contact: str = ""
    # Discourse answers 200 a minute to a key; none of the platforms documents less than 60.
    requests_per_second: float = Field(default=3.0, gt=0, le=100)
    timeout: float = Field(default=30.0, gt=0, le=600)
    max_megabytes: int = Field(default=32, ge=1, le=1024)
    patience: float = Field(default=900.0, ge=0, le=86_400)
    private_hosts: tuple[str, ...] = ()

    @field_validator("contact")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isascii() or not value.isprintable() or set(value) & set("()\\"):
            msg = "must be an address to reach you at, such as https://example.com/contact or help@example.com"
            raise ValueError(msg)
        return value


class MediaConfig(Section):
    """``media:`` whether images of published posts are copied to the site."""

    mirror: bool = False
    max_megabytes: int = Field(default=10, ge=1, le=100)
    total_megabytes: int = Field(default=2000, ge=1)
    # Wider than the text column on any screen at twice its density.
    max_width: int = Field(default=1200, ge=200, le=4096)


class Config(Section):
    """The whole of ``site_config/kbgen.yml``, with the project folder it was read from."""

    site: SiteConfig
    sources: tuple[Any, ...] = ()
    rules: RulesConfig = RulesConfig()
    seo: SeoConfig = SeoConfig()
    pages: PagesConfig = PagesConfig()
    privacy: PrivacyConfig = PrivacyConfig()
    guard: GuardConfig = GuardConfig()
    duplicates: DuplicatesConfig = DuplicatesConfig()
    http: HttpConfig = HttpConfig()
    media: MediaConfig = MediaConfig()


def load_config(project: Path, kinds: Mapping[str, type[BaseModel]]) -> Config:
    """Read and validate the project's configuration.

    Args:
        project: the project folder.
        kinds: options model of each source kind.

    Raises:
        ConfigError: with every fault, each naming file, line and key.
    """
    try:
        text = read_written(project, CONFIG_FILE)
    except OSError as error:
        msg = f"{CONFIG_FILE}: {error.strerror or error}; run `kbgen init DIR` for a new project, or -C DIR to name it"
        raise ConfigError(msg) from error
    return parse_config(text, kinds)


def read_written(project: Path, name: str) -> str:
    """The text of a file people edit.

    Args:
        project: the project folder.
        name: the file's, relative to that.

    Raises:
        ConfigError: it is not UTF-8.
        OSError: it is not there, or cannot be read.
    """
    try:
        return (project / name).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{name}: is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8"
        raise ConfigError(msg) from error


def parse_config(text: str, kinds: Mapping[str, type[BaseModel]]) -> Config:
    """Validate the text of a configuration file.

    Raises:
        ConfigError: with every fault, each naming file, line and key.
    """
    data, lines = load_yaml(_REFERENCE.sub("\ue000\\1\ue001", text), CONFIG_FILE)
    faults: list[str] = []
    data = _fill_environment(data or {}, (), lines, faults)
    if not isinstance(data, dict):
        raise ConfigError(f"{CONFIG_FILE}:1: must be a mapping with the keys {', '.join(Config.model_fields)}")
    sources = _read_sources(data.get("sources"), kinds, lines, faults)
    config = _validate(Config, {**data, "sources": ()}, (), lines, faults)
    if faults or config is None:
        raise ConfigError([_masked(fault, text) for fault in faults])
    return config.model_copy(update={"sources": sources})


def load_yaml(text: str, file: str) -> tuple[Any, dict[Position, int]]:
    """Read YAML and remember the line of every key.

    Args:
        text: the document.
        file: its name, for messages.

    Returns:
        The data, and the line (from 1) of each position.

    Raises:
        ConfigError: the document is not YAML, or a key stands twice.
    """
    lines: dict[Position, int] = {}
    try:
        node = yaml_text.compose(text)
        if node is None:
            return None, lines
        _walk(node, (), lines, file)
        return yaml_text.construct(node), lines
    except yaml_text.YamlFault as fault:
        raise ConfigError(f"{file}:{fault.line}: not valid YAML: {fault.reason}") from fault


def _walk(node: yaml.Node, position: Position, lines: dict[Position, int], file: str) -> None:
    lines.setdefault(position, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*position, str(key.value))
            if here in lines:
                msg = f"{file}:{key.start_mark.line + 1}: the key {dotted(here)} stands twice; keep one"
                raise ConfigError(msg)
            lines[here] = key.start_mark.line + 1
            _walk(value, here, lines, file)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, (*position, index), lines, file)


def set_values(project: Path, section: str, values: Mapping[str, float]) -> bool:
    """Change numbers of a section in the project's configuration; say whether that changed anything.

    Args:
        project: the project folder.
        section: see ``with_values``.
        values: by key.

    Raises:
        ConfigError: as ``with_values``; the file stays as it is.
    """
    file = project / CONFIG_FILE
    before = file.read_text(encoding="utf-8")
    after = with_values(before, section, values)
    if after == before:
        return False
    beside = file.with_name(f"{file.name}.new")
    beside.write_text(after, encoding="utf-8")
    beside.replace(file)
    return True


def with_values(text: str, section: str, values: Mapping[str, float]) -> str:
    """Change numbers of a section in the text of a configuration; everything else, comments included, stays.

    Args:
        text: the document, valid.
        section: name of a section of the top level; it is added where it is missing.
        values: by key; keys that are missing are added.

    Raises:
        ConfigError: the section is written in a way that cannot be changed in place, such as by an alias.
    """
    shielded = _REFERENCE.sub("\ue000\ue000\\1\ue001", text)  # as long as it was: what YAML tells are places
    node = yaml.compose(shielded, Loader=yaml.SafeLoader)
    blocks = node.value if isinstance(node, yaml.MappingNode) else []
    block = next((value for key, value in blocks if key.value == section), None)
    changed = text
    if block is None and isinstance(node, yaml.MappingNode) and node.flow_style and blocks:
        start = blocks[0][0].start_mark.index
        changed = f"{text[:start]}{section}: {{{_listed_values(values)}}}, {text[start:]}"
    elif block is None:
        lines = "".join(f"  {key}: {value:g}\n" for key, value in values.items())
        changed = f"{text.rstrip()}\n\n{section}:\n{lines}"
    elif isinstance(block, yaml.MappingNode) and block.value:
        changed = _changed(text, block, values)
    expected, _ = load_yaml(shielded, CONFIG_FILE)
    made, _ = load_yaml(_REFERENCE.sub("\ue000\ue000\\1\ue001", changed), CONFIG_FILE)
    if made != {**expected, section: {**(expected.get(section) or {}), **values}}:
        raise ConfigError(
            f"{CONFIG_FILE}: {section} cannot be changed in place; write {_listed_values(values)} into it"
        )
    return changed


def _listed_values(values: Mapping[str, float]) -> str:
    return ", ".join(f"{key}: {value:g}" for key, value in values.items())


def _changed(text: str, block: yaml.MappingNode, values: Mapping[str, float]) -> str:
    present = {key.value: value for key, value in block.value}
    edits = [
        (present[key].start_mark.index, present[key].end_mark.index, f"{value:g}")
        for key, value in values.items()
        if key in present
    ]
    first = block.value[0][0].start_mark
    missing = [f"{key}: {value:g}" for key, value in values.items() if key not in present]
    parting = ", " if block.flow_style else "\n" + " " * first.column
    edits += [(first.index, first.index, f"{one}{parting}") for one in missing]
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def dotted(position: Position) -> str:
    """A position as people write it: ``sources[1].kind``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in position)
    return text.removeprefix(".")


def _line(position: Position, lines: Mapping[Position, int]) -> int:
    while position and position not in lines:
        position = position[:-1]
    return lines.get(position, 1)


def _fill_environment(value: Any, position: Position, lines: Mapping[Position, int], faults: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill_environment(item, (*position, str(key)), lines, faults) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill_environment(item, (*position, index), lines, faults) for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    for name in _ENV.findall(value):
        if name not in os.environ:
            place = f"{CONFIG_FILE}:{_line(position, lines)}: {dotted(position)}"
            faults.append(f"{place} needs the environment variable {name}, which is not set")
    return _ENV.sub(lambda match: os.environ.get(match.group(1), ""), value)


def _masked(fault: str, text: str) -> str:
    """A message without what came from the environment: validators quote what they refuse."""
    values = {os.environ.get(name, "").strip(): name for name in _REFERENCE.findall(text)}
    for value in sorted(values, key=len, reverse=True):
        # Shorter ones are no secrets, and are part of ordinary words.
        if len(value) >= _SHORTEST_SECRET:
            fault = fault.replace(value, f"${{{values[value]}}}")
    return fault


def _read_sources(
    blocks: Any, kinds: Mapping[str, type[BaseModel]], lines: Mapping[Position, int], faults: list[str]
) -> tuple[BaseModel, ...]:
    if blocks is None:
        return ()
    if not isinstance(blocks, list):
        faults.append(f"{CONFIG_FILE}:{_line(('sources',), lines)}: sources must be a list of blocks")
        return ()
    found: list[BaseModel] = []
    names: dict[str, int] = {}
    for index, block in enumerate(blocks):
        position: Position = ("sources", index)
        line = _line(position, lines)
        kind = str(block.get("kind")) if isinstance(block, dict) else ""
        if kind not in kinds:
            one_of = ", ".join(sorted(kinds))
            faults.append(f"{CONFIG_FILE}:{line}: {dotted(position)}.kind {kind!r} is unknown; one of: {one_of}")
            continue
        options = _validate(kinds[kind], block, position, lines, faults)
        if options is None:
            continue
        name = str(block.get("name"))
        if name in names:
            faults.append(f"{CONFIG_FILE}:{line}: {dotted(position)}.name {name!r} is taken (line {names[name]})")
        names[name] = line
        found.append(options)
    return tuple(found)


def _validate(
    model: type[Model], data: Any, position: Position, lines: Mapping[Position, int], faults: list[str]
) -> Model | None:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults.extend(_fault(model, fault, position, lines) for fault in error.errors())
        return None


def _fault(model: type[BaseModel], fault: Any, position: Position, lines: Mapping[Position, int]) -> str:
    where: Position = (*position, *fault["loc"])
    place = f"{CONFIG_FILE}:{_line(where, lines)}: {dotted(where)}"
    if fault["type"] == "extra_forbidden":
        known = sorted(_known_keys(model, fault["loc"][:-1]))
        near = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        return f"{place} is not a known key; {hint}"
    if fault["type"] == "missing":
        return f"{place} is missing"
    return f"{place}: {fault['msg'].removeprefix('Value error, ')}"


def _known_keys(model: type[BaseModel], path: tuple[str | int, ...]) -> set[str]:
    current: Any = model
    for part in path:
        field = current.model_fields.get(part) if isinstance(part, str) else None
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return set()
        current = field.annotation
    return set(current.model_fields)
