"""vBulletin 3 and 4: the SQL dump of its database.

vBulletin has no accepted answer: a thread is solved by its prefix, which names no answer, or by a column that an
add-on made. What is NOT here: vBulletin 5, whose tables are others, BBCode (``bbcode``), and reading the dump.
"""

from __future__ import annotations

from html import unescape

from lxml import html as lxml_html
from msgspec import Struct

from kbgen.model import Visibility
from kbgen.sources.bbcode import Dialect, bbcode_html
from kbgen.sources.sqldump_forum import Head, Member, Message, SqlForum, SqlForumOptions, convert, numbers
from kbgen.sources.sqldump_index import Fields, Table

_SHOWN, _DELETED = 1, 2
_CLOSED, _REDIRECT = 0, 10


class VbulletinOptions(SqlForumOptions):
    """Keys of a ``kind: vbulletin`` source: those of every forum's dump.

    Attributes:
        solved_prefixes: ids of the thread prefix that says solved, or how a title begins that does.
        staff_groups: super moderators, administrators and moderators, as vBulletin numbers them.
    """

    solved_prefixes: tuple[str, ...] = ("solved", "[solved]")
    staff_groups: tuple[str, ...] = ("5", "6", "7")


class _Thread(Struct):
    title: str = ""
    prefixid: str = ""
    dateline: int = 0
    lastpost: int = 0
    firstpostid: int = 0
    views: int | None = None
    open: int = 1
    visible: int = _SHOWN
    taglist: str = ""


class _Post(Struct):
    postid: int
    userid: int = 0
    username: str = ""
    dateline: int = 0
    pagetext: str = ""
    visible: int = _SHOWN


class _User(Struct):
    username: str = ""
    usergroupid: str = ""
    membergroupids: str = ""


class VbulletinSource(SqlForum):
    """A vBulletin forum."""

    kind = "vbulletin"
    Options = VbulletinOptions
    tables = (
        Table("threads", "thread", "threadid", "", ("title", "forumid"), ("forumid", *_Thread.__struct_fields__)),
        Table("posts", "post", "postid", "threadid", ("pagetext",), _Post.__struct_fields__),
        Table("users", "user", "userid", "", ("username", "usergroupid"), _User.__struct_fields__),
        Table("forums", "forum", "forumid", "parentid", ("title",), ("title", "password")),
    )
    forum_columns = ("parentid", "title")
    forum_secret = "password"  # noqa: S105 - a column's name
    thread_forum = "forumid"
    post_user = "userid"

    def keeps(self, role: str, row: Fields) -> bool:
        """A moved thread leaves a redirect behind."""
        return role != "threads" or row.get("open") != str(_REDIRECT)

    def forum_name(self, text: str) -> str:
        """A forum's name, which may hold markup."""
        words = "".join(map(str, lxml_html.fromstring(f"<p>{text}</p>").itertext())) if "<" in text else unescape(text)
        return " ".join(words.split())

    def read_thread(self, row: Fields, prefix: str) -> Head:
        """What a row of ``thread`` says."""
        del prefix
        thread = convert(row, _Thread)
        return Head(
            title=unescape(thread.title),
            created=thread.dateline,
            updated=thread.lastpost,
            first=thread.firstpostid,
            views=thread.views,
            visibility=_visibility(thread.visible),
            closed=thread.open == _CLOSED,
            prefixes=(thread.prefixid,) if thread.prefixid else (),
            tags=tuple(dict.fromkeys(filter(None, map(str.strip, unescape(thread.taglist).split(","))))),
        )

    def read_post(self, row: Fields) -> Message:
        """What a row of ``post`` says; when it was edited stands in another table."""
        post = convert(row, _Post)
        state = _visibility(post.visible)
        return Message(
            id=post.postid,
            user=post.userid,
            name=unescape(post.username),
            created=post.dateline,
            edited=0,
            text=post.pagetext,
            hidden=state == "hidden",
            deleted=state == "deleted",
        )

    def read_user(self, row: Fields) -> Member:
        """What a row of ``user`` says."""
        user = convert(row, _User)
        return Member(unescape(user.username), frozenset({user.usergroupid, *numbers(user.membergroupids)}))

    def html(self, message: Message, thread: int, names: dict[str, str]) -> str:
        """A post's BBCode as the reader saw it."""
        del thread
        base = self._options.url
        post = f"{base}/showthread.php?p={{0}}#post{{0}}"
        return bbcode_html(message.text, Dialect(base, post, f"{base}/attachment.php?attachmentid={{0}}", names=names))

    def thread_url(self, thread: int) -> str:
        """A thread's address."""
        return f"{self._options.url}/showthread.php?t={thread}"

    def post_url(self, thread: int, post: int) -> str:
        """A post's address."""
        del thread
        return f"{self._options.url}/showthread.php?p={post}#post{post}"

    def user_url(self, user: int) -> str:
        """A member's page."""
        return f"{self._options.url}/member.php?u={user}"


def _visibility(visible: int) -> Visibility:
    return "public" if visible == _SHOWN else "deleted" if visible == _DELETED else "hidden"
