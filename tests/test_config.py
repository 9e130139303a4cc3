"""The configuration: every fault at once, each with its line and what to do, and no secret on the screen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from kbgen.commands.setup import schema
from kbgen.config import Config, dotted, load_config, load_yaml, parse_config
from kbgen.console import Voice
from kbgen.errors import ConfigError
from kbgen.sources import source_kinds

SITE = "site: {name: Help, url: https://help.example.com/}\n"
KINDS = source_kinds()


def parse(text: str) -> Config:
    """The configuration of a text, with the site named."""
    return parse_config(SITE + text, KINDS)


def faults(text: str) -> tuple[str, ...]:
    """What is wrong with a whole text."""
    with pytest.raises(ConfigError) as caught:
        parse_config(text, KINDS)
    return caught.value.faults


def test_defaults_are_those_of_an_ordinary_site() -> None:
    """Name and address are enough."""
    config = parse("")
    assert ("Help", ("en",), (), "auto", 50) == (
        config.site.name,
        config.site.languages,
        config.sources,
        config.seo.canonical,
        config.pages.per_page,
    )


def test_an_address_ends_with_a_slash() -> None:
    """Under a sub-path as well: joining a path to it needs no thought."""
    config = parse_config("site: {name: Help, url: https://example.com/help}", KINDS)
    assert "https://example.com/help/" == config.site.url


def test_all_faults_are_told_at_once() -> None:
    """Unknown keys with the nearest known one, wrong values, missing keys, unknown kinds: each with its line and key."""
    text = (
        "site:\n"
        "  name: Help\n"
        "  url: help.example.com\n"
        "  langauges: [en]\n"
        "sources:\n"
        "  - {name: forum, kind: pigeons, url: https://forum.example.com}\n"
        "  - name: Two Words\n"
        "    kind: discourse\n"
        "    url: https://forum.example.com\n"
        "    tokn: x\n"
        "rules:\n"
        "  thin: maybe\n"
        "  zzz: 1\n"
        "pages: {per_page: 0}\n"
    )
    found = "\n".join(faults(text))
    for expected in (
        "site_config/kbgen.yml:3: site.url: must be an absolute address without query, such as https://help.example.com/",
        "site_config/kbgen.yml:4: site.langauges is not a known key; did you mean languages?",
        "site_config/kbgen.yml:6: sources[0].kind 'pigeons' is unknown; one of: articles, ",
        "site_config/kbgen.yml:7: sources[1].name:",
        "site_config/kbgen.yml:10: sources[1].tokn is not a known key; known here: ",
        "site_config/kbgen.yml:12: rules.thin: Input should be 'publish', 'hold' or 'drop'",
        "site_config/kbgen.yml:13: rules.zzz is not a known key; known here: accepted, ",
        "site_config/kbgen.yml:14: pages.per_page: Input should be greater than or equal to 5",
    ):
        assert expected in found
    assert 8 == len(faults(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "site_config/kbgen.yml:1: site is missing"),
        ("site: {name: Help}", "site_config/kbgen.yml:1: site.url is missing"),
        ("- a\n- b\n", "site_config/kbgen.yml:1: must be a mapping with the keys site, sources, "),
        ("site: [unclosed", "site_config/kbgen.yml:1: not valid YAML: "),
        ("site:\n  name: a\n  name: b\n", "site_config/kbgen.yml:3: the key site.name stands twice; keep one"),
        (f"{SITE}sources: forum\n", "site_config/kbgen.yml:2: sources must be a list of blocks"),
        (f"{SITE}sources: [forum]\n", "site_config/kbgen.yml:2: sources[0].kind '' is unknown; one of: "),
        ("site: {name: a, url: https://a.example/, languages: []}", "languages: must be language codes"),
        ("site: {name: a, url: https://a.example/, languages: [english]}", "got english"),
        ("site: {name: a, url: 'https://a.example/?q=1'}", "site.url: must be an absolute address without query"),
        (r"""site: {name: a, url: "https://a.example/\n"}""", "site.url: must be an absolute address without query"),
        ("site: {name: a, url: https://a.example/help desk}", "site.url: must be an absolute address without query"),
        ("site: {name: a\x01b}", "not valid YAML"),
    ],
)
def test_a_fault_names_file_line_and_key(text: str, expected: str) -> None:
    """Whatever is wrong with the file, the first line of the message tells where."""
    assert expected in faults(text)[0]


def test_a_missing_file_says_how_to_begin(tmp_path: Path) -> None:
    """A folder that is no project: make one, or name another."""
    with pytest.raises(ConfigError, match="No such file.*kbgen init DIR.*-C DIR"):  # noqa: RUF043  # one pattern
        load_config(tmp_path, KINDS)


def test_two_sources_of_one_name_are_refused() -> None:
    """Names are the first half of every ref; the message tells where the other one stands."""
    text = f"{SITE}sources:\n  - {{name: a, kind: articles, path: x}}\n  - {{name: a, kind: articles, path: y}}\n"
    assert ("site_config/kbgen.yml:4: sources[1].name 'a' is taken (line 3)",) == faults(text)


@pytest.mark.parametrize(
    "block",
    ["{name: a, kind: articles, path: ${KB_PATH}}", "\n    name: a\n    kind: articles\n    path: '${KB_PATH}'"],
)
def test_values_come_from_the_environment(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``${NAME}`` is written plainly, in a block as in braces."""
    monkeypatch.setenv("KB_PATH", "from/outside")
    (source,) = parse(f"sources:\n  - {block}\n").sources
    assert "from/outside" == source.path


def test_part_of_a_value_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """And several parts; what the variable holds is not looked into again."""
    monkeypatch.setenv("KB_A", "${KB_B}: {x}")
    monkeypatch.setenv("KB_B", "b")
    (source,) = parse("sources: [{name: a, kind: articles, path: x/${KB_A}/${KB_B}}]").sources
    assert "x/${KB_B}: {x}/b" == source.path


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With line and key, beside all other faults."""
    monkeypatch.delenv("KB_NONE", raising=False)
    text = f"{SITE}sources:\n  - {{name: a, kind: articles, path: ${{KB_NONE}}}}\nsoe: 1\n"
    assert (
        "site_config/kbgen.yml:3: sources[0].path needs the environment variable KB_NONE, which is not set",
        "site_config/kbgen.yml:4: soe is not a known key; did you mean seo?",
    ) == faults(text)


def test_a_secret_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value from the environment stands in no message, even when it is what is wrong."""
    monkeypatch.setenv("KB_SECRET", "hunter2-hunter2")
    text = (
        "site: {name: Help, url: '${KB_SECRET}', languages: ['${KB_SECRET}']}\n"
        "sources:\n  - {name: '${KB_SECRET}!', kind: '${KB_SECRET}'}\n"
        "  - {name: '${KB_SECRET}!', kind: articles, path: x, '${KB_SECRET}': 1, canonical: '${KB_SECRET}'}\n"
        "  - {name: c, kind: articles, path: x, url_template: '{${KB_SECRET}}'}\n"
        "rules: {thin: '${KB_SECRET}'}\n"
    )
    found = "\n".join(faults(text))
    assert (False, True) == ("hunter2" in found, "sources[0].kind '${KB_SECRET}' is unknown" in found)


KEYED = (
    f"{SITE}sources: [{{name: a, kind: discourse, url: 'https://forum.example.com', api_key: '${{KB_SECRET}}',"
    " api_username: bot}]\n"
)


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {} ", "{}"])
def test_a_secret_is_read_without_the_white_space_around_it(around: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that was made of a file ends with a line break, and no key does."""
    monkeypatch.setenv("KB_SECRET", around.format("hunter2-hunter2"))
    (source,) = parse_config(KEYED, KINDS).sources
    assert "hunter2-hunter2" == source.api_key.get_secret_value()


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("hunter2-é-hunter2", "holds signs that no key has"),
        ("hunter2-\n-hunter2", "holds signs that no key has"),
        ("  ", "is empty; a variable of CI that is not set is, too"),
    ],
)
def test_a_secret_that_no_header_can_hold_is_a_fault(key: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told with its line and key before anything is asked, and not quoted."""
    monkeypatch.setenv("KB_SECRET", key)
    with pytest.raises(ConfigError) as raised:
        parse_config(KEYED, KINDS)
    told = str(raised.value)
    assert told.startswith(f"site_config/kbgen.yml:2: sources[0].api_key: {said}")
    assert "hunter2" not in told


@pytest.mark.parametrize("key", ["url", "licence_url"])
def test_a_password_in_an_address_is_a_fault(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses are printed, and stored with every record."""
    monkeypatch.setenv("KB_SECRET", "hunter2-hunter2")
    block = {"url": "https://forum.example.com", key: "https://bot:${KB_SECRET}@forum.example.com"}
    keys = ", ".join(f"{name}: '{value}'" for name, value in block.items())
    text = f"{SITE}sources: [{{name: a, kind: discourse, {keys}}}]\n"
    with pytest.raises(ConfigError) as raised:
        parse_config(text, KINDS)
    assert f"sources[0].{key}: must be without a name and a password" in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(("written", "meant"), [("on", "on"), ("off", "off"), ("'on'", "on"), ("auto", "auto")])
def test_a_switch_is_what_was_written(written: str, meant: str) -> None:
    """YAML takes a plain ``on`` for true."""
    config = parse(
        f"duplicates: {{semantic: {written}}}\nsources: [{{name: a, kind: articles, path: x, math: {written}}}]\n"
    )
    assert (meant, meant) == (config.duplicates.semantic, config.sources[0].math)


def test_a_configuration_cannot_be_changed() -> None:
    """It is handed to worker processes: what one of them sees is what all see."""
    with pytest.raises(ValidationError, match="frozen"):
        parse("").site.name = "Other"


def test_positions_are_written_as_people_write_them() -> None:
    """Lists by number, mappings by key."""
    assert "sources[1].kind" == dotted(("sources", 1, "kind"))
    assert "[0].x" == dotted((0, "x"))


def test_lines_of_every_position_are_known() -> None:
    """Nested lists and mappings included."""
    data, lines = load_yaml("a:\n  - b: 1\n    c:\n      - 2\n", "f.yml")
    assert {"a": [{"b": 1, "c": [2]}]} == data
    assert (1, 2, 3, 4) == (lines["a",], lines["a", 0, "b"], lines["a", 0, "c"], lines["a", 0, "c", 0])


# --- the schema for editors ------------------------------------------------------------------------------


def refs(value: object) -> list[str]:
    """Every ``$ref`` in a schema."""
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for item in value.values() for ref in refs(item)]
    return [ref for item in value for ref in refs(item)] if isinstance(value, list) else []


def test_the_schema_knows_every_kind_of_source(capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON object: each kind with its own keys, no other key allowed, and every reference resolves."""
    assert 0 == schema(Voice())
    made = json.loads(capsys.readouterr().out)
    kinds = {one["properties"]["kind"]["const"]: one for one in made["properties"]["sources"]["items"]["oneOf"]}
    assert set(KINDS) == set(kinds)
    assert {False} == {one["additionalProperties"] for one in kinds.values()}
    assert set(KINDS["discourse"].model_fields) == set(kinds["discourse"]["properties"])
    assert set(Config.model_fields) == set(made["properties"])
    for ref in refs(made):
        found = made
        for part in ref.removeprefix("#/").split("/"):
            found = found[part]
        assert "object" == found["type"]
