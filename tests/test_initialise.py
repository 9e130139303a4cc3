"""The skeleton of a new knowledge base: what is written, what is refused, and that it builds."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kbgen.config import Config
from kbgen.curate.taxonomy import load_taxonomy
from kbgen.errors import UsageError
from kbgen.initialise import SKELETON, initialise
from kbgen.project import open_project
from kbgen.site.redirects import load_redirects

ROOT = Path(__file__).parent.parent
SAME = ("content/index.md", "content/search.md", "content/articles/index.md", "content/topics/index.md")
# Lines of mkdocs.yml that name the demo's own brand.
BRAND = re.compile(
    r"^(site_name: .*|  (logo|favicon): .*|extra_css:|  - assets/brand\.css|  (favicon_png|touch_icon): .*)$"
)


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A folder with the skeleton in it."""
    initialise(tmp_path / "help")
    return tmp_path / "help"


def test_every_file_is_written_and_named(tmp_path: Path) -> None:
    """The result lists exactly what is on disk; hidden files have their dot."""
    files = initialise(tmp_path / "a" / "help")
    folder = tmp_path / "a" / "help"
    assert sorted(files) == sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    assert {".gitignore", "content/curated/.gitkeep", "site_config/overrides/.gitkeep"} < set(files)


def test_a_used_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    """The message names what is in the way; nothing is written beside it."""
    for name in ("a.md", "b.md", "c.md", "d.md"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match=r"holds a\.md, b\.md, c\.md and 1 more already; name a new or empty folder"):
        initialise(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.md", "b.md", "c.md", "d.md"]


def test_a_hidden_file_is_in_the_way_too(tmp_path: Path) -> None:
    """A folder that looks empty and is not is somebody's."""
    (tmp_path / ".env").write_text("mine")
    with pytest.raises(UsageError, match=r"holds \.env already"):
        initialise(tmp_path)


def test_a_new_git_repository_counts_as_empty(tmp_path: Path) -> None:
    """`git init help` and then `kbgen init help` is how many start."""
    (tmp_path / ".git").mkdir()
    assert "mkdocs.yml" in initialise(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """The message says what stands there."""
    (tmp_path / "help").write_text("mine")
    with pytest.raises(UsageError, match="is a file; name a new or empty folder"):
        initialise(tmp_path / "help")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """What the file system says comes through with its place."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match=r"file/help.*name a folder that can be written"):
        initialise(tmp_path / "file" / "help")


def test_the_shells_are_those_of_the_repository() -> None:
    """A shell that is mended here is mended in new projects, byte for byte."""
    ours = {file.name: file.read_bytes() for file in (ROOT / "content/_shells").iterdir()}
    assert {file.name: file.read_bytes() for file in (SKELETON / "content/_shells").iterdir()} == ours


@pytest.mark.parametrize("name", SAME)
def test_pages_kbgen_fills_are_those_of_the_repository(name: str) -> None:
    """Home, search and the two indexes hold no words of the demo."""
    assert (SKELETON / name).read_bytes() == (ROOT / name).read_bytes()


def test_the_engine_is_configured_as_in_the_repository() -> None:
    """mkdocs.yml differs in its brand only."""

    def unbranded(file: Path) -> list[str]:
        return [line for line in file.read_text().splitlines() if line and not BRAND.match(line)]

    assert unbranded(SKELETON / "mkdocs.yml") == unbranded(ROOT / "mkdocs.yml")


def test_the_files_people_edit_have_no_faults(fresh: Path) -> None:
    """The new project opens: one topic with its introduction, one tag, no redirects yet."""
    project = open_project(fresh)
    taxonomy = load_taxonomy(fresh)
    assert [options.name for options in project.options] == ["content"]
    assert [(topic.slug, topic.featured) for topic in taxonomy.topics] == [("getting-started", ("content:welcome",))]
    assert [tag.slug for tag in taxonomy.tags] == ["writing"]
    assert load_redirects(fresh) == {}


def test_the_commented_sources_are_valid(fresh: Path) -> None:
    """Taking away the brackets and the # gives a source of each kind."""
    file = fresh / "site_config/kbgen.yml"
    text = file.read_text(encoding="utf-8")
    start, end = text.index("sources: []"), text.index("# What each kind of thread")
    block = text[start:end].replace("sources: []", "sources:").replace("\n#  ", "\n  ")
    file.write_text(text[:start] + block + text[end:], encoding="utf-8")
    kinds = [options.kind for options in open_project(fresh).options]
    assert kinds == ["discourse", "stackexchange", "articles", "articles"]


def test_the_commented_settings_are_the_defaults(fresh: Path) -> None:
    """What stands after a # says what happens without it."""
    text = (fresh / "site_config/kbgen.yml").read_text(encoding="utf-8")
    text = text[text.index("# rules:") - 1 :]
    settings = "\n".join(line[2:] for line in text.splitlines() if re.match(r"# ( *\w+:( |$)|\w+:$)", line))
    shown = yaml.safe_load(settings)
    shown.pop("auto", None)
    defaults = Config.model_validate({"site": {"name": "x", "url": "https://x.example/"}}).model_dump(mode="json")
    assert sorted(shown) == ["guard", "media", "pages", "privacy", "rules", "seo"]
    assert shown == {name: {key: defaults[name][key] for key in section} for name, section in shown.items()}


def test_a_new_project_builds(fresh: Path) -> None:
    """init, then build: exit 0 and a small site with the one article, its topic and the search page."""
    command = [sys.executable, "-m", "kbgen", "-C", str(fresh), "--json", "build", "--jobs", "1"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert (done.returncode, done.stderr if done.returncode else "") == (0, "")
    assert json.loads(done.stdout)["published"] is True
    rows = [json.loads(line) for line in (fresh / "site/kb-manifest.jsonl").read_text().splitlines()]
    paths = {row["path"]: row["kind"] for row in rows}
    assert paths["/articles/welcome/"] == "article"
    assert {"/", "/search/", "/topics/getting-started/", "/404.html"} < set(paths)
    assert [path for path, kind in paths.items() if kind == "article"] == ["/articles/welcome/"]
    assert (fresh / "site/assets/social.png").read_bytes() == (SKELETON / "site_config/assets/social.png").read_bytes()
    assert "Write your first article" in (fresh / "site/topics/getting-started/index.html").read_text(encoding="utf-8")
