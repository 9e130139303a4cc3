"""What several test modules need: the data folder, a finished demo site, commands run as a user runs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from projects import ROOT, Done, Kbgen, SmallForum, copy_project

from kbgen.cli import main

# A shell starts what runs in its background deaf to Ctrl-C, and so would be all that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture
def inside(capfd: pytest.CaptureFixture[str]) -> Kbgen:
    """Run ``kbgen`` in this process: as it is run from a shell but for the start of Python, which costs most."""

    def run(*arguments: str | Path) -> Done:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, out, err)

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


@pytest.fixture(scope="session")
def frames(tmp_path_factory: pytest.TempPathFactory, kbgen: Kbgen) -> Path:
    """What the site engine makes of a small project, built once: it is the same for all of them."""
    small = SmallForum(tmp_path_factory.mktemp("frames") / "small", topics=1)
    done = kbgen("-C", small.folder, "--json", "build", "--jobs", "1")
    assert done.code == 0, done.out + done.err
    return small.folder / ".kbgen" / "engine"


@pytest.fixture
def forum(tmp_path: Path, frames: Path) -> SmallForum:
    """A small project over a folder of four recorded topics."""
    return SmallForum(tmp_path / "small", frames=frames)


@pytest.fixture
def large_forum(tmp_path: Path, frames: Path) -> SmallForum:
    """The same with twelve topics."""
    return SmallForum(tmp_path / "large", topics=12, frames=frames)
