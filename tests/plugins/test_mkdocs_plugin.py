"""The MkDocs plugin: plain ``mkdocs build`` gives the site kbgen makes, and kbgen does not need the plugin."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PLUGIN = ROOT / "plugins" / "__init__.py"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
STARTER = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("kbgen_mkdocs", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
config = MkDocsConfig(config_file_path=sys.argv[2])
config.load_dict({"site_name": "x", "site_dir": sys.argv[3], "docs_dir": sys.argv[4], "nav": ["index.md"]})
assert config.validate() == ([], [])
plugin = module.KbgenPlugin()
plugin.load_config({"enabled": sys.argv[5] == "on"})
config = plugin.on_config(config)
print(config.nav, len(plugin.on_files(Files([File("index.md", sys.argv[4], sys.argv[3], True)]), config=config)))
plugin.on_post_build(config=config)
"""
FAKE = """
import pathlib, sys
place = pathlib.Path(sys.argv[sys.argv.index("--site-dir") + 1])
(place / "q").mkdir(parents=True, exist_ok=True)
(place / "q" / "index.html").write_text(" ".join(sys.argv[1:2]) + " " + "--offline" * ("--offline" in sys.argv))
print("the store is damaged", file=sys.stderr)
sys.exit(int(pathlib.Path("exit").read_text()))
"""


def run_plugin(folder: Path, code: int, state: str = "on") -> subprocess.CompletedProcess[str]:
    """Drive the plugin's events as MkDocs does, with a command line in place of kbgen's that exits with ``code``."""
    package = folder / "kbgen"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(FAKE, encoding="utf-8")
    (folder / "exit").write_text(str(code), encoding="utf-8")
    site = folder / "site"
    (site / "old").mkdir(parents=True)
    (site / "old.html").touch()
    (folder / "content").mkdir()
    (folder / "mkdocs.yml").touch()
    places = [PLUGIN, folder / "mkdocs.yml", site, folder / "content"]
    return subprocess.run(
        [sys.executable, "-c", STARTER, *map(str, places), state],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("code", [0, 1])
def test_kbgens_site_takes_the_place_of_mkdocs_own(tmp_path: Path, code: int) -> None:
    """MkDocs renders nothing; what the command line made replaces the folder's content, also when a source failed."""
    done = run_plugin(tmp_path, code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "None 0"
    names = sorted(path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("*"))
    assert names == ["q", "q/index.html"]
    assert "--offline" in (tmp_path / "site" / "q" / "index.html").read_text(encoding="utf-8")


def test_a_build_that_stopped_stops_mkdocs(tmp_path: Path) -> None:
    """The message is kbgen's own, and MkDocs fails with it; what was there stays."""
    done = run_plugin(tmp_path, 3)
    assert done.returncode != 0
    assert "kbgen build stopped (exit 3):\nthe store is damaged" in done.stderr
    assert (tmp_path / "site" / "old.html").exists()


def test_a_switched_off_plugin_does_nothing(tmp_path: Path) -> None:
    """With ``enabled: false`` MkDocs works as if the plugin were not there."""
    done = run_plugin(tmp_path, 0, "off")
    assert done.stdout.strip() == "['index.md'] 1"
    assert (tmp_path / "site" / "old.html").exists()


def test_the_plugin_is_small_and_knows_only_the_command_line() -> None:
    """Under 200 lines, and no import of kbgen: the folder can be deleted."""
    text = PLUGIN.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 200
    assert "import kbgen" not in text
    assert "from kbgen" not in text
    for file in (ROOT / "kbgen").rglob("*.py"):
        assert "kbgen_mkdocs" not in file.read_text(encoding="utf-8"), file


def test_the_wheel_has_every_package() -> None:
    """Packages are listed by hand; one that is not listed would be missing from the wheel."""
    found = {".".join(file.parent.relative_to(ROOT).parts) for file in (ROOT / "kbgen").rglob("__init__.py")}
    listed = set(PYPROJECT["tool"]["setuptools"]["packages"])
    assert listed == {name for name in found if ".skeleton" not in name} | {"kbgen_mkdocs"}
    assert PYPROJECT["tool"]["setuptools"]["package-dir"] == {"kbgen_mkdocs": "plugins"}
    assert PYPROJECT["project"]["entry-points"]["mkdocs.plugins"] == {"kbgen": "kbgen_mkdocs:KbgenPlugin"}
