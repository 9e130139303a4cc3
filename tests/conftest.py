"""What several test modules need: the data folder, a finished demo site, commands run as a user runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from projects import ROOT, Done, Kbgen, SmallForum, copy_project


@pytest.fixture(scope="session")
def kbgen() -> Kbgen:
    """Run ``kbgen`` in a process of its own, as a shell would."""

    def run(*arguments: str | Path, cwd: Path | None = None) -> Done:
        command = [sys.executable, "-m", "kbgen", *map(str, arguments)]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command, cwd=cwd or ROOT, env=env, capture_output=True, text=True, timeout=600, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The community data of ``KBGEN_DATA``; tests that need it skip without."""
    folder = Path(os.environ.get("KBGEN_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no community data at {folder}; set KBGEN_DATA")
    return folder.resolve()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the demo project, to be changed by the test."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, kbgen: Kbgen) -> Path:
    """The demo project, built once; look, do not change. With several workers each builds its own."""
    folder = copy_project(tmp_path_factory.mktemp("demo") / "project")
    done = kbgen("-C", folder, "--json", "build", "--jobs", "2")
    assert done.code == 0, done.out + done.err
    return folder


@pytest.fixture
def forum(tmp_path: Path) -> SmallForum:
    """A small project over a folder of recorded topics."""
    return SmallForum(tmp_path / "small")
