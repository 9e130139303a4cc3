"""Small threads and posts for the tests of curation."""

from datetime import UTC, datetime

from kbgen.model import Person, Post, Ref, Solved, Thread

ASKER = Person("7", "mira", "https://forum.example.net/u/mira")
HELPER = Person("8", "tomas", "https://forum.example.net/u/tomas")
STAFF = Person("1", "Ada of Hubworks", "https://forum.example.net/u/ada", is_staff=True)
LONG = "Hold the button on the back for ten seconds, then wait until the light turns green."


def day(number: int) -> datetime:
    """A day of January 2026."""
    return datetime(2026, 1, number, tzinfo=UTC)


def post(post_id: str, html: str, author: Person = HELPER, *, score: int | None = 0, created: int = 2) -> Post:
    """An ordinary post."""
    url = f"https://forum.example.net/t/hub/42/{post_id}"
    return Post(post_id, url, html, author, created=day(created), score=score, licence="CC BY-SA 4.0")


def thread(*answers: Post, accepted: tuple[str, ...] = (), ref: str = "community:42", **changes: object) -> Thread:
    """A public thread; ``changes`` are fields of ``Thread``."""
    fields: dict[str, object] = {
        "title": "How do I reset the hub?",
        "question": post("q", "<p>My hub stopped answering after the update, what can I do about it?</p>", ASKER),
        "solved": tuple(Solved(post_id, "accepted") for post_id in accepted),
        "created": day(1),
        **changes,
    }
    return Thread(ref=Ref(ref), url="https://forum.example.net/t/hub/42", answers=answers, **fields)  # type: ignore[arg-type]
