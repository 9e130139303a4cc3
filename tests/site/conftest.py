"""One engine run for all tests of this folder: it takes a second and its result is only read."""

from pathlib import Path

import pytest
import sample_pages as sample

from kbgen.site.engine import Frames, build_frames
from kbgen.site.render import Renderer


@pytest.fixture(scope="session")
def small_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project on disk."""
    return sample.write_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def frames(small_project: Path) -> Frames:
    """The engine's result for it."""
    return build_frames(small_project, sample.CONFIG, small_project / ".kbgen" / "engine")


@pytest.fixture(scope="session")
def renderer(frames: Frames) -> Renderer:
    """A renderer of the sample site."""
    return Renderer(sample.CONFIG, frames, sample.TOPICS, sample.SOURCES)
