"""Any sequence of events and crashes: the incremental site is the clean one, and every address ever published answers.

Builds run in forked children; a crash is SIGKILL at the n-th time the build touches the file system or begins a piece of
work, which the child counts from outside of the product (``sys.addaudithook`` and the progress it reports).
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from projects import SITE, SmallForum, build_here, forum_post, forum_topic

from kbgen.commands.adopting import adopt
from kbgen.console import Voice
from kbgen.pipeline import Options, run_stages
from kbgen.progress import Advance
from kbgen.project import open_project
from kbgen.site.manifest import MANIFEST

NUMBERS = st.integers(1, 6)
NOUNS = ("attic", "cellar", "garden", "hallway", "kitchen", "nursery", "porch", "study", "workshop")
AUTHORS = ("ben", "rosalind", "anonymous77")
WORDS = st.sampled_from(NOUNS)
TOUCHING = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate", "sqlite3.connect"}
KEPT = (".kbgen", "site")
TOPICS = """
topics:
  - {{slug: {slug}, was: [{was}], title: Rooms, description: Rooms and lamps., tags: [rooms], categories: {{forum: ["5"]}}}}
  - {{slug: power, title: Power, description: Batteries and sockets., categories: {{forum: ["6"]}}}}
unmapped: keep
"""


@dataclass
class Topic:
    """A thread as the community has it now."""

    title: str
    question: str = "I looked at every menu of the app and did not find it."
    answers: list[str] = field(default_factory=lambda: ["Open the settings, choose the room and press apply at once."])
    accepted: set[int] = field(default_factory=lambda: {0})
    author: str = "ben"
    changes: dict[str, Any] = field(default_factory=dict)


def new(number: int) -> Topic:
    """A thread as it begins: with an author and a tag of its own, whose pages come and go with it."""
    return Topic(
        f"How do I light the {NOUNS[number]}?", author=AUTHORS[number % 3], changes={"tags": ["rooms", NOUNS[number]]}
    )


class Countdown:
    """Kills its own process at the n-th event."""

    def __init__(self, events: int) -> None:
        self.left = events

    def start(self, what: str, total: int | None) -> Advance:
        """A piece of work begins."""
        del what, total
        self.event()
        return lambda _: None

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """The interpreter is about to do something."""
        reading = event == "open" and (arguments[1] in {"r", "rb", None} and not (arguments[2] or 0) & os.O_CREAT)
        if event in TOUCHING and not reading:
            self.event()

    def event(self) -> None:
        """One event less to live."""
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def in_child(work: Callable[[], int]) -> int:
    """Run in a forked process; give its exit code, or the negative number of the signal that ended it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # nothing here runs threads
        child = os.fork()
    if child == 0:
        code = 70
        try:
            code = work()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Community(RuleBasedStateMachine):
    """A community that goes on living, and a kbgen that is killed now and then."""

    frames: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="kbgen-life-"))
        self.forum = SmallForum(self.home / "project", topics=0, frames=self.frames)
        # Nothing here is too much to vanish.
        self.forum.configure(seo={"canonical": "self"}, guard={"max_vanish": 1}, pages={"people": True, "per_page": 5})
        self.topics = {number: new(number) for number in range(1, 5)}
        self.slugs = ["rooms"]
        self.ever: set[str] = set()
        for number in self.topics:
            self.write(number)
        self.write_taxonomy()
        self.build()

    def teardown(self) -> None:
        """Whatever happened: one more build, and a clean one has nothing to add."""
        self.build()
        tree = self.forum.tree()
        # 1: a decision about a thread that is not there, or a community of which nothing is left.
        assert in_child(lambda: build_here(self.forum.folder, clean=True).exit_code) in {0, 1}
        differ = {
            name for name in tree.keys() | self.forum.tree().keys() if tree.get(name) != self.forum.tree().get(name)
        }
        assert set() == differ
        shutil.rmtree(self.home)

    def write(self, number: int) -> None:
        """Record a thread as it is now."""
        one = self.topics[number]
        posts = [forum_post(number, 1, f"{one.question} It is about the {NOUNS[number]} and number {number}.")]
        for place, text in enumerate(one.answers):
            who = {"username": one.author, "name": one.author.title(), "user_id": 40 + len(one.author)}
            said = f"{text} That settles the {NOUNS[number]}."
            posts.append(forum_post(number, place + 2, said, accepted_answer=place in one.accepted, **who))
        stream = {"posts": posts, "stream": [post["id"] for post in posts]}
        self.forum.write(forum_topic(number, one.title, post_stream=stream, **one.changes))

    def write_taxonomy(self) -> None:
        """Write the vocabulary as it is now."""
        was = ", ".join(self.slugs[:-1])
        file = self.forum.folder / "site_config" / "taxonomy.yml"
        file.write_text(TOPICS.format(slug=self.slugs[-1], was=was), encoding="utf-8")

    def change(self, number: int, **changes: Any) -> None:
        """Change a thread, which may be new, or back."""
        one = self.topics.setdefault(number, new(number))
        for name, value in changes.items():
            setattr(one, name, value)
        self.write(number)

    # --- events ----------------------------------------------------------------------------------------------

    @rule(number=NUMBERS, word=WORDS)
    def question_edited(self, number: int, word: str) -> None:
        """Other words in the question."""
        self.change(number, question=f"Since the {word} was painted I cannot find it any more.")

    @rule(number=NUMBERS, word=WORDS)
    def answer_edited(self, number: int, word: str) -> None:
        """Other words in the answer."""
        self.change(number, answers=[f"Walk to the {word}, and hold the switch there for ten seconds."], accepted={0})

    @rule(number=NUMBERS)
    def unaccepted(self, number: int) -> None:
        """No answer is accepted any more."""
        self.change(number, accepted=set())

    @rule(number=NUMBERS, accepted=st.sets(st.integers(0, 1), min_size=1))
    def accepted_anew(self, number: int, accepted: set[int]) -> None:
        """Another answer is accepted, or a second one."""
        answers = [
            "Open the settings, choose the room and press apply.",
            "Say it aloud, and the lamp will listen to you.",
        ]
        self.change(number, answers=answers, accepted=accepted)

    @rule(number=NUMBERS, word=WORDS)
    def retitled(self, number: int, word: str) -> None:
        """Another title."""
        self.change(number, title=f"Where does the {word} get its light from?")

    @rule(number=NUMBERS, category=st.sampled_from([5, 6, 7]))
    def moved(self, number: int, category: int) -> None:
        """Another category, and its tags with it."""
        self.change(number, changes={"category_id": category, "tags": ["rooms"] if category == 5 else []})

    @rule(number=NUMBERS, how=st.sampled_from([{"archetype": "private_message"}, {"visible": False}, {"closed": True}]))
    def hidden(self, number: int, how: dict[str, Any]) -> None:
        """Made private, unlisted, or closed."""
        self.change(number, changes=how)

    @rule(number=NUMBERS)
    def deleted(self, number: int) -> None:
        """The thread is not there any more."""
        (self.forum.recordings / f"{number}.json").unlink(missing_ok=True)

    @rule(number=NUMBERS)
    def restored(self, number: int) -> None:
        """The thread is there, for everybody, with what it said last."""
        self.change(number, changes=new(number).changes, accepted={0})

    @rule(number=NUMBERS, author=st.sampled_from(AUTHORS))
    def renamed(self, number: int, author: str) -> None:
        """Its answers are another person's."""
        self.change(number, author=author)

    @rule(number=NUMBERS, other=NUMBERS)
    def merged(self, number: int, other: int) -> None:
        """A writer makes a thread part of another one."""
        self.overlay(number, f"merge: ['forum:{other}']" if number != other else "pin: true")

    @rule(number=NUMBERS, other=NUMBERS)
    def split(self, number: int, other: int) -> None:
        """A writer takes them apart for good."""
        self.overlay(number, f"split: ['forum:{other}']" if number != other else "hide: true")

    @rule(number=NUMBERS)
    def decided_anew(self, number: int) -> None:
        """A writer takes everything back."""
        (self.forum.folder / "content" / "curated" / f"{number}.md").unlink(missing_ok=True)

    def overlay(self, number: int, line: str) -> None:
        """Write a decision about a thread."""
        file = self.forum.folder / "content" / "curated" / f"{number}.md"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"---\nthread: forum:{number}\n{line}\n---\n", encoding="utf-8")

    @rule(word=WORDS)
    def topic_renamed(self, word: str) -> None:
        """A landing page moves."""
        if word not in self.slugs:
            self.slugs.append(word)
            self.write_taxonomy()

    @rule(word=WORDS)
    def introduced(self, word: str) -> None:
        """A landing page has other first words."""
        text = f"---\ntitle: Power\ndescription: Batteries and sockets.\n---\nAll about the {word}.\n"
        (self.forum.folder / "content" / "topics" / "power.md").write_text(text, encoding="utf-8")

    # --- nights ----------------------------------------------------------------------------------------------

    @rule()
    def build(self) -> None:
        """A night in which nothing happens to kbgen."""
        code = in_child(lambda: build_here(self.forum.folder).exit_code)
        assert code in {0, 1}  # 1: a decision about a thread that is not there
        self.look()

    @rule()
    def cached(self) -> None:
        """The machine that builds puts away what it would find again elsewhere."""
        for name in KEPT:
            shutil.rmtree(self.home / "cache" / name, ignore_errors=True)
            shutil.copytree(self.forum.folder / name, self.home / "cache" / name)

    @rule()
    def elsewhere(self) -> None:
        """A night on another machine, which has an older cache or none, and takes the addresses of the live site over."""
        live = self.home / MANIFEST
        shutil.copyfile(self.forum.site / MANIFEST, live)
        for name in KEPT:
            shutil.rmtree(self.forum.folder / name)
            if (self.home / "cache" / name).exists():
                shutil.copytree(self.home / "cache" / name, self.forum.folder / name)
        assert 0 == in_child(lambda: adopt(open_project(self.forum.folder), str(live), None, Voice(quiet=True)))
        self.build()

    @rule(events=st.integers(1, 220))
    def crash(self, events: int) -> None:
        """A night that is cut short."""
        before = self.forum.tree()

        def work() -> int:
            countdown = Countdown(events)
            sys.addaudithook(countdown.audit)
            options = Options(site_dir=self.forum.site, jobs=1)
            return run_stages(open_project(self.forum.folder), options, countdown).exit_code

        code = in_child(work)
        assert code in {0, 1, -signal.SIGKILL}
        after = self.forum.tree()
        # The old manifest means the old site, file for file.
        assert after == before or after["kb-manifest.jsonl"] != before["kb-manifest.jsonl"] or code >= 0
        self.look()

    def look(self) -> None:
        """Every address there ever was is in the manifest, and a file stands at it."""
        lines = self.forum.manifest()
        self.ever |= {line["url"] for line in lines}
        assert set() == self.ever - {line["url"] for line in lines}
        for url in self.ever:
            path = url.removeprefix(SITE)
            assert (self.forum.site / path / "index.html").is_file() or (self.forum.site / path).is_file(), url


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_any_life(frames: Path) -> None:
    """Every promise holds after any sequence of events, in whatever order, however often the night was cut short."""
    Community.frames = frames
    run_state_machine_as_test(
        Community,
        settings=settings(
            max_examples=int(os.environ.get("KBGEN_LIVES", "8")),
            stateful_step_count=14,
            deadline=None,
            derandomize="KBGEN_LIVES" not in os.environ,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
