"""Projects to build and commands to run, as a user has and runs them. Fixtures are in ``conftest``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kbgen.pipeline import Options, RunReport, run_stages
from kbgen.progress import Silent
from kbgen.project import open_project
from kbgen.store import open_store

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What ``--json`` printed."""
        return json.loads(self.out)


Kbgen = Callable[..., Done]


def build_here(folder: Path, names: Sequence[str] | None = None, **options: Any) -> RunReport:
    """Run stages in this process, all by default, and give what they came to."""
    chosen = Options(site_dir=folder / "site", jobs=1)
    return run_stages(open_project(folder), replace(chosen, **options), Silent(), names)


def copy_project(target: Path, *, content: bool = True) -> Path:
    """Copy this repository's project folder, without its build results.

    Args:
        target: a new folder.
        content: the demo's articles, topics and overlays, too; without them only what every project has.
    """
    target.mkdir(parents=True)
    shutil.copy(ROOT / "mkdocs.yml", target)
    if content:
        shutil.copytree(ROOT / "content", target / "content")
        shutil.copytree(ROOT / "site_config", target / "site_config")
        return target
    for name in ("_shells", "index.md", "search.md", "articles/index.md", "topics/index.md"):
        source, copy = ROOT / "content" / name, target / "content" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
    for name in ("overrides", "assets"):
        shutil.copytree(ROOT / "site_config" / name, target / "site_config" / name)
    return target


# --- a small forum, written by the test ------------------------------------------------------------------

SITE = "https://help.example.com/"
FORUM = "https://forum.example.com"


def forum_post(topic: int, number: int, text: str, **changes: Any) -> dict[str, Any]:
    """A post as a forum records it."""
    return {
        "id": topic * 100 + number,
        "post_number": number,
        "post_type": 1,
        "username": f"user{number}",
        "name": f"User {number}",
        "user_id": number,
        "cooked": f"<p>{text}</p>",
        "created_at": f"2025-03-0{number}T10:00:00.000Z",
        "updated_at": f"2025-03-0{number}T10:00:00.000Z",
        "version": 1,
        "actions_summary": [],
        **changes,
    }


def inodes(folder: Path) -> dict[str, int]:
    """Every file below a folder and which file it is on the disk."""
    return {path.relative_to(folder).as_posix(): path.stat().st_ino for path in folder.rglob("*") if path.is_file()}


def forum_topic(number: int, title: str, /, *, accepted: bool = True, **changes: Any) -> dict[str, Any]:
    """A topic with a question and one answer, accepted or not."""
    question = f"Since the update of last week I wonder about this: {title} I looked at every menu of the app."
    answer = f"Open the settings, choose the room, and press apply; that settles number {number} for good."
    posts = [forum_post(number, 1, question), forum_post(number, 2, answer, accepted_answer=accepted)]
    return {
        "id": number,
        "title": title,
        "slug": "-".join(title.lower().rstrip("?").split()),
        "created_at": "2025-03-01T10:00:00.000Z",
        "last_posted_at": "2025-03-02T10:00:00.000Z",
        "views": number,
        "visible": True,
        "closed": False,
        "archived": False,
        "archetype": "regular",
        "category_id": 5,
        "tags": ["rooms"],
        "post_stream": {"posts": posts, "stream": [post["id"] for post in posts]},
        **changes,
    }


SUBJECTS = (
    "rename a room", "dim a lamp", "pair a sensor", "read the log", "mute the siren", "share a home", "move a wall switch",
    "restart the bridge", "change the language", "export readings", "lock the panel", "track the battery",
)  # fmt: skip


class SmallForum:
    """A project whose one source is a folder of recorded topics the test can change.

    Args:
        folder: the project folder, to be made.
        topics: how many topics to begin with, at most ``len(SUBJECTS)``.
        frames: ``.kbgen/engine`` of an equal project: the site engine then has nothing to do.
    """

    def __init__(self, folder: Path, topics: int = 4, frames: Path | None = None) -> None:
        self.folder = copy_project(folder, content=False)
        if frames is not None:
            shutil.copytree(frames, folder / ".kbgen" / "engine")
        self.recordings = folder / "forum"
        self.recordings.mkdir()
        self.settings: dict[str, Any] = {
            "site": {"name": "Small help", "url": SITE},
            "sources": [
                {"name": "forum", "kind": "discourse", "url": FORUM, "archive": "forum", "licence": "CC BY-SA 4.0"}
            ],
        }
        self.configure()
        for number, subject in enumerate(SUBJECTS[:topics], start=1):
            self.write(forum_topic(number, f"How do I {subject}?"))

    def configure(self, **sections: Any) -> None:
        """Write the configuration with some sections changed."""
        self.settings |= sections
        (self.folder / "site_config" / "kbgen.yml").write_text(json.dumps(self.settings), encoding="utf-8")

    def write(self, topic: dict[str, Any]) -> Path:
        """Record a topic, or record it again."""
        file = self.recordings / f"{topic['id']}.json"
        file.write_text(json.dumps(topic), encoding="utf-8")
        return file

    @property
    def site(self) -> Path:
        """The published site."""
        return self.folder / "site"

    def manifest(self) -> list[dict[str, Any]]:
        """The lines of the published manifest."""
        text = (self.site / "kb-manifest.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def paths(self) -> dict[str, str]:
        """Lead thread to page."""
        return {line["refs"][0]: line["path"] for line in self.manifest() if line["kind"] == "entry"}

    def redirects(self) -> dict[str, str | None]:
        """Old URL to new URL, None when gone."""
        return {line["url"]: line["to"] for line in self.manifest() if line["kind"] == "redirect"}

    def everything(self) -> bytes:
        """All bytes kbgen keeps, in lower case: stored payloads, the store's file and log, caches, and the site."""
        store = open_store(self.folder / ".kbgen" / "store.sqlite")
        try:
            refs = [state.ref for state in store.records.states()]
            payloads = b"".join(one.payload for one in store.records.get(refs))
            items = repr(store.curated.get(list(store.curated.digests()))).encode()
        finally:
            store.close()
        folders = (self.folder / ".kbgen", self.site, *self.folder.glob(".site*"))
        files = [file.read_bytes() for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
        return b"".join([payloads, items, *files]).lower()

    def tree(self) -> dict[str, bytes]:
        """Every file of the site."""
        return {
            file.relative_to(self.site).as_posix(): file.read_bytes()
            for file in sorted(self.site.rglob("*"))
            if file.is_file()
        }
