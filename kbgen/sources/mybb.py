"""MyBB 1.8: the SQL dump of its database.

MyBB itself has no accepted answer: a thread is solved by its prefix, which names no answer, or by a column that a
plugin added. What is NOT here: MyCode (``bbcode``) and reading the dump.
"""

from __future__ import annotations

from msgspec import Struct

from kbgen.model import Visibility
from kbgen.sources.bbcode import Dialect, bbcode_html
from kbgen.sources.sqldump_forum import Head, Member, Message, SqlForum, SqlForumOptions, convert, numbers
from kbgen.sources.sqldump_index import Fields, SqlIndex, Table

_SHOWN, _DELETED = 1, -1
_MOVED = "moved|"


class MybbOptions(SqlForumOptions):
    """Keys of a ``kind: mybb`` source: those of every forum's dump.

    Attributes:
        solved_prefixes: texts of the thread prefix that says solved.
        staff_groups: super moderators, administrators and moderators, as MyBB numbers them.
    """

    solved_prefixes: tuple[str, ...] = ("Solved", "[Solved]")
    staff_groups: tuple[str, ...] = ("3", "4", "6")


class _Thread(Struct):
    subject: str = ""
    prefix: int = 0
    dateline: int = 0
    lastpost: int = 0
    firstpost: int = 0
    views: int | None = None
    closed: str = ""
    visible: int = _SHOWN


class _Post(Struct):
    pid: int
    uid: int = 0
    username: str = ""
    dateline: int = 0
    edittime: int = 0
    message: str = ""
    visible: int = _SHOWN


class _User(Struct):
    username: str = ""
    usergroup: str = ""
    additionalgroups: str = ""


class MybbSource(SqlForum):
    """A MyBB forum."""

    kind = "mybb"
    Options = MybbOptions
    tables = (
        Table("threads", "threads", "tid", "", ("subject", "firstpost"), ("fid", *_Thread.__struct_fields__)),
        Table("posts", "posts", "pid", "tid", ("message",), _Post.__struct_fields__),
        Table("users", "users", "uid", "", ("username", "usergroup"), _User.__struct_fields__),
        Table("forums", "forums", "fid", "pid", ("name", "parentlist"), ("name", "password")),
        Table("prefixes", "threadprefixes", "pid", "", ("prefix",), ("prefix",)),
    )
    forum_columns = ("pid", "name")
    forum_secret = "password"  # noqa: S105 - a column's name
    thread_forum = "fid"
    post_user = "uid"

    def keeps(self, role: str, row: Fields) -> bool:
        """A moved thread leaves a redirect behind."""
        return role != "threads" or not (row.get("closed") or "").startswith(_MOVED)

    def prefix_of(self, index: SqlIndex, row: Fields) -> str:
        """The text of a thread's prefix."""
        number = row.get("prefix") or "0"
        found = index.row("prefixes", int(number)) if number.isdecimal() and len(number) < 10 else None
        return (found or {}).get("prefix") or ""

    def forum_name(self, text: str) -> str:
        """A forum's name, which MyBB keeps as it was typed."""
        return " ".join(text.split())

    def read_thread(self, row: Fields, prefix: str) -> Head:
        """What a row of ``threads`` says; a prefix that does not say solved is a tag."""
        thread = convert(row, _Thread)
        solved = {one.casefold() for one in self._options.solved_prefixes}
        return Head(
            title=thread.subject,
            created=thread.dateline,
            updated=thread.lastpost,
            first=thread.firstpost,
            views=thread.views,
            visibility=_visibility(thread.visible),
            closed=thread.closed == "1",
            prefixes=(prefix,) if prefix else (),
            tags=(prefix,) if prefix and prefix.casefold() not in solved else (),
        )

    def read_post(self, row: Fields) -> Message:
        """What a row of ``posts`` says."""
        post = convert(row, _Post)
        state = _visibility(post.visible)
        return Message(
            id=post.pid,
            user=post.uid,
            name=post.username,
            created=post.dateline,
            edited=post.edittime,
            text=post.message,
            hidden=state == "hidden",
            deleted=state == "deleted",
        )

    def read_user(self, row: Fields) -> Member:
        """What a row of ``users`` says."""
        user = convert(row, _User)
        return Member(user.username, frozenset({user.usergroup, *numbers(user.additionalgroups)}))

    def html(self, message: Message, thread: int, names: dict[str, str]) -> str:
        """A post's MyCode as the reader saw it."""
        base = self._options.url
        post = f"{base}/showthread.php?tid={thread}&pid={{0}}#pid{{0}}"
        return bbcode_html(message.text, Dialect(base, post, f"{base}/attachment.php?aid={{0}}", names=names))

    def thread_url(self, thread: int) -> str:
        """A thread's address."""
        return f"{self._options.url}/showthread.php?tid={thread}"

    def post_url(self, thread: int, post: int) -> str:
        """A post's address."""
        return f"{self._options.url}/showthread.php?tid={thread}&pid={post}#pid{post}"

    def user_url(self, user: int) -> str:
        """A member's page."""
        return f"{self._options.url}/member.php?action=profile&uid={user}"


def _visibility(visible: int) -> Visibility:
    return "public" if visible == _SHOWN else "deleted" if visible == _DELETED else "hidden"
