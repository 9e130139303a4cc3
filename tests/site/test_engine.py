"""The engine run: what it is given, what comes out, and when it does not run at all."""

import os
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import sample_pages as sample
from sample_pages import write_project

from kbgen.config import Config
from kbgen.errors import EngineError
from kbgen.site import mkdocs_yaml
from kbgen.site.engine import Frames, build_frames
from kbgen.site.frame_input import is_draft
from kbgen.site.icons import icon_svg

ENGLISH = Config(site=sample.SITE.model_copy(update={"languages": ("en",)}))


def _files(frames: Frames) -> dict[str, bytes]:
    return {f"{lang}/{name}": file.read_bytes() for lang in frames.folders for name, file in frames.static_files(lang)}


def test_writers_pages_are_rendered_and_the_rest_is_not(frames: Frames) -> None:
    """Home, articles, indexes and 404 come whole; drafts, overlays, topic texts and shells are no pages."""
    assert sorted(frames.pages()) == ["/", "/404.html", "/articles/he/", "/articles/set-up/", "/topics/"]


def test_a_shell_exists_for_every_depth_and_language(frames: Frames) -> None:
    """Links to style sheets fit the depth; the words are the language's; other languages get the main frame."""
    for depth in (1, 2, 3, 4):
        html = b"".join(frames.shell("entry", "en", depth).parts)
        assert b'href="' + b"../" * depth + b"assets/kbgen/kb.css?v=" in html
    assert "דילוג לתוכן" in b"".join(frames.shell("entry", "he", 2).parts).decode()
    assert frames.shell("entry", "fi", 2).parts == frames.shell("entry", "en", 2).parts
    with pytest.raises(EngineError, match=r"content/_shells/entry\.md: no shell of depth 9"):
        frames.shell("entry", "en", 9)


def test_a_writers_folder_may_be_called_as_shells_are(tmp_path: Path) -> None:
    """Its page is a page: a shell is known by the others of its name."""
    write_project(tmp_path)
    for name in ("d1-charts", "d3-charts"):
        (tmp_path / "content" / f"{name}.md").write_text("# Charts\n\nWords of ours.\n", encoding="utf-8")
    built = build_frames(tmp_path, ENGLISH, tmp_path / "engine")
    assert {"/d1-charts/", "/d3-charts/"} <= set(built.pages())
    assert not [path for path in built.pages() if "entry" in path or "shells" in path]
    assert {len(shell.parts) > 1 for shell in built.shells()} == {True}


def test_the_frame_is_small(frames: Frames) -> None:
    """A shell stays under 6 kB, so that an answer page is mostly answer."""
    assert sum(map(len, frames.shell("entry", "en", 2).parts)) < 6_000


def test_a_writers_page_is_framed_in_its_own_language(frames: Frames) -> None:
    """An article in Hebrew has the Hebrew frame though the site's main language is English."""
    html = b"".join(frames.pages()["/articles/he/"].parts).decode()
    assert "נושאים" in html
    assert "Topics" not in html


def test_a_writers_images_have_a_size_and_task_boxes_a_name(frames: Frames) -> None:
    """The size is read from the file beside the page."""
    html = b"".join(frames.pages()["/articles/set-up/"].parts).decode()
    assert 'src="../hub.svg" width="40" height="30"' in html
    assert 'aria-label="Step"' in html


def test_only_files_that_pages_use_are_shipped(frames: Frames) -> None:
    """Style sheets, scripts and images go; the engine's sitemap, its search and source maps do not."""
    names = [name for name, _ in frames.static_files()]
    assert "articles/hub.svg" in names
    assert "assets/kbgen/kb.css" in names
    assert not [
        name for name in names if name.endswith((".map", ".html", ".md")) or "sitemap" in name or "lunr" in name
    ]
    assert list(frames.static_files("he")) == []


def test_nothing_is_loaded_from_another_host(frames: Frames) -> None:
    """No page of the frame names a font host, a CDN or any other address but the operator's own links."""
    for shell in (*frames.pages().values(), frames.shell("entry", "en", 2)):
        html = b"".join(shell.parts).decode()
        assert 'src="http' not in html
        assert 'rel="preconnect"' not in html
        assert '<link rel="stylesheet" href="http' not in html


def test_the_engine_does_not_run_when_nothing_changed(small_project: Path, frames: Frames) -> None:
    """The same input is not built again; a change of one document builds anew and moves the digest."""
    again = build_frames(small_project, sample.CONFIG, small_project / ".kbgen" / "engine")
    assert (again.reused, again.digest) == (True, frames.digest)
    overlay = small_project / "content" / "curated" / "x.md"
    overlay.write_text("---\nthread: forum:2\n---\n", encoding="utf-8")
    assert build_frames(small_project, sample.CONFIG, small_project / ".kbgen" / "engine").reused


def test_search_is_loaded_anew_when_any_of_its_files_moved(tmp_path: Path) -> None:
    """The page names search.js alone, which loads the others under the same version; other files keep theirs."""

    def versions(name: str) -> dict[str, str]:
        if name:
            file = project / "site_config" / "assets" / "kbgen" / "search" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("{}")
        html = b"".join(build_frames(project, ENGLISH, tmp_path / "cache").shell("entry", "en", 2).parts).decode()
        return dict(re.findall(r"assets/kbgen/([\w./]+)\?v=(\w+)", html))

    project = write_project(tmp_path / "project")
    first, words, engine = versions(""), versions("words/en.json"), versions("engine.js")
    assert {first["kb.css"]} == {words["kb.css"], engine["kb.css"]}
    assert len({first["search/search.js"], words["search/search.js"], engine["search/search.js"]}) == 3


def test_two_runs_in_two_places_give_the_same_bytes(tmp_path: Path) -> None:
    """Neither the folder nor the clock leaves a trace; a changed document moves the digest."""
    first = build_frames(write_project(tmp_path / "a"), ENGLISH, tmp_path / "a" / ".kbgen")
    os.utime(write_project(tmp_path / "elsewhere" / "b") / "mkdocs.yml", (1, 1))
    second = build_frames(tmp_path / "elsewhere" / "b", ENGLISH, tmp_path / "cache")
    assert first.digest == second.digest
    assert _files(first) == _files(second)
    assert {path: shell.parts for path, shell in first.pages().items()} == {
        path: shell.parts for path, shell in second.pages().items()
    }
    (tmp_path / "a" / "content" / "articles" / "set-up.md").write_text("# Other\n", encoding="utf-8")
    third = build_frames(tmp_path / "a", ENGLISH, tmp_path / "a" / ".kbgen")
    assert not third.reused
    assert third.digest != first.digest


def test_the_projects_own_templates_win(tmp_path: Path) -> None:
    """A template in site_config/overrides replaces kbgen's; a main.html that loses the slots is refused."""
    project = write_project(tmp_path)
    partials = project / "site_config" / "overrides" / "partials"
    partials.mkdir(parents=True)
    (partials / "copyright.html").write_text("<p>Our own line</p>", encoding="utf-8")
    frames = build_frames(project, ENGLISH, tmp_path / ".kbgen")
    assert b"Our own line" in b"".join(frames.shell("entry", "en", 1).parts)
    (partials.parent / "main.html").write_text('{% extends "base.html" %}', encoding="utf-8")
    broken = build_frames(project, ENGLISH, tmp_path / ".kbgen")
    with pytest.raises(EngineError, match="site_config/overrides must extend kbgen's"):
        broken.shell("entry", "en", 1)


def test_the_engines_own_words_reach_the_operator(tmp_path: Path) -> None:
    """A failed run says which engine, its last lines, and that nothing was published; the next run tries again."""
    project = write_project(tmp_path, "theme:\n  name: material\nmarkdown_extensions_: 1\nplugins: [nosuch]\n")
    with pytest.raises(EngineError, match=r"(?s)mkdocs could not build content/ \(en\).*nosuch.*nothing was published"):
        build_frames(project, ENGLISH, tmp_path / ".kbgen")
    write_project(tmp_path)
    assert not build_frames(project, ENGLISH, tmp_path / ".kbgen").reused


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("mkdocs.yml", "a: [1\n", r"mkdocs\.yml:2: not valid YAML"),
        ("mkdocs.yml", "- a\n", r"mkdocs\.yml:1: must be a mapping"),
        ("mkdocs.yml", "theme: {name: material, custom_dir: nowhere}\n", r"custom_dir 'nowhere' is not a folder"),
    ],
)
def test_faults_of_the_project_are_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    """What is wrong in mkdocs.yml is said with its place before anything runs."""
    project = write_project(tmp_path)
    (project / name).write_text(text, encoding="utf-8")
    with pytest.raises(EngineError, match=message):
        build_frames(project, ENGLISH, tmp_path / ".kbgen")


def test_an_unknown_engine_or_a_project_without_shells_is_refused(tmp_path: Path) -> None:
    """The message names the engines there are, and where shells come from."""
    with pytest.raises(EngineError, match="use mkdocs or zensical"):
        build_frames(tmp_path, ENGLISH, tmp_path / ".kbgen", engine="hugo")
    with pytest.raises(EngineError, match="content/_shells/: no shell pages"):
        build_frames(tmp_path, ENGLISH, tmp_path / ".kbgen")


def test_tags_only_the_engine_knows_come_through(tmp_path: Path) -> None:
    """``!ENV`` and Python names stay as written; kbgen's plugin and Material's search go."""
    text = (
        "site_name: x\nsite_url: !ENV [URL, 'http://x/']\ncopyright: !ENV NOTE\nhooks: [h.py]\nnav: [{Home: index.md}]\n"
        "plugins: [kbgen, search, tags: {}]\nmarkdown_extensions:\n"
        "- pymdownx.emoji: {emoji_index: !!python/name:material.extensions.emoji.twemoji ''}\n"
    )
    file = tmp_path / "mkdocs.yml"
    file.write_text(text, encoding="utf-8")
    source = mkdocs_yaml.read(file)
    run = mkdocs_yaml.Run(tmp_path, "docs/zh-CN", "out/zh-CN", "theme", lang="zh-CN", whole=True)
    made = mkdocs_yaml.generate(source, sample.SITE, run, {})
    assert "copyright: !ENV 'NOTE'" in made or "copyright: !ENV NOTE" in made
    assert "!!python/name:material.extensions.emoji.twemoji" in made
    assert "kbgen\n" not in made.split("plugins:")[1].split("theme:")[0]
    assert "tags: {}" in made
    assert f"- {tmp_path}/h.py" in made
    assert "language: zh\n" in made
    assert f"site_url: {sample.URL}" in made


def test_navigation_is_the_top_level_of_nav(tmp_path: Path) -> None:
    """A section is reached by its first page, an address elsewhere stays, no nav gives the standard one."""
    file = tmp_path / "mkdocs.yml"
    file.write_text("nav:\n- Home: index.md\n- Guides: [a/index.md, a/b.md]\n- Shop: https://shop.example/\n", "utf-8")
    expected = (("Home", ""), ("Guides", "a/"), ("Shop", "https://shop.example/"))
    assert mkdocs_yaml.navigation(mkdocs_yaml.read(file)) == expected
    file.write_text("site_name: x\n", encoding="utf-8")
    assert mkdocs_yaml.navigation(mkdocs_yaml.read(file))[1] == ("Topics", "topics/")


def test_drafts_are_known_by_their_front_matter() -> None:
    """Only the YAML true makes a draft; broken front matter is the engine's to report."""
    assert is_draft("---\ndraft: true\n---\ntext")
    assert not is_draft("---\ndraft: 'true'\n---\ntext")
    assert not is_draft("draft: true\n")
    assert not is_draft("---\ndraft: [true\n---\n")


def test_icons_come_from_the_theme_only() -> None:
    """A name that leaves the folder of icons, or is none, gives nothing."""
    assert (icon_svg("material/check-circle") or "").startswith("<svg")
    assert icon_svg("material/no-such-icon") is None
    assert icon_svg("../../main") is None


@pytest.mark.skipif(find_spec("zensical") is None, reason="Zensical is not installed")
def test_zensical_reads_the_same_folder(tmp_path: Path) -> None:
    """The other engine gives the same pages and the same slots, in the same places."""
    project = write_project(tmp_path)
    ours = build_frames(project, ENGLISH, tmp_path / "mkdocs")
    theirs = build_frames(project, ENGLISH, tmp_path / "zensical", engine="zensical")
    assert {path: shell.slots for path, shell in theirs.pages().items()} == {
        path: shell.slots for path, shell in ours.pages().items()
    }
    for depth in (1, 4):
        assert theirs.shell("entry", "en", depth).slots == ours.shell("entry", "en", depth).slots
    assert theirs.digest != ours.digest


@pytest.mark.skipif(find_spec("zensical") is not None, reason="Zensical is installed")
def test_a_missing_engine_says_which_extra_to_install(tmp_path: Path) -> None:
    """Asking for an engine that is not there ends with the command that installs it."""
    with pytest.raises(EngineError, match=r"pip install 'kbgen\[zensical\]'"):
        build_frames(write_project(tmp_path), ENGLISH, tmp_path / ".kbgen", engine="zensical")
