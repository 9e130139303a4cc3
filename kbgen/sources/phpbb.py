"""phpBB 3: the SQL dump of its database.

Solved is the column ``topic_solved`` of the extension "Topic Solved" (tierra/topicsolved), which holds the accepted
post's id, or a prefix of the title. What is NOT here: the texts' formats (``phpbb_text``) and reading the dump.
"""

from __future__ import annotations

from html import unescape

from msgspec import Struct

from kbgen.model import Visibility
from kbgen.sources.bbcode import Dialect
from kbgen.sources.phpbb_text import post_html
from kbgen.sources.sqldump_forum import Head, Member, Message, SqlForum, SqlForumOptions, convert
from kbgen.sources.sqldump_index import Fields, Table

# phpbb/includes/constants.php
_MOVED, _LOCKED = 2, 1
_SHOWN, _DELETED = 1, 2
_ANONYMOUS = 1
_FOUNDER = 3


class PhpbbOptions(SqlForumOptions):
    """Keys of a ``kind: phpbb`` source: those of every forum's dump.

    Attributes:
        solved_column: of the extension "Topic Solved" unless another is named.
        staff_groups: global moderators and administrators, as phpBB numbers them when it is installed.
    """

    solved_column: str = "topic_solved"
    staff_groups: tuple[str, ...] = ("4", "5")


class _Topic(Struct):
    topic_title: str = ""
    topic_time: int = 0
    topic_last_post_time: int = 0
    topic_first_post_id: int = 0
    topic_views: int | None = None
    topic_status: int = 0
    topic_visibility: int = _SHOWN
    topic_approved: int = 1


class _Post(Struct):
    post_id: int
    poster_id: int = 0
    post_time: int = 0
    post_edit_time: int = 0
    post_username: str = ""
    post_text: str = ""
    bbcode_uid: str = ""
    post_visibility: int = _SHOWN
    post_approved: int = 1


class _User(Struct):
    username: str = ""
    user_type: int = 0
    group_id: str = ""


class PhpbbSource(SqlForum):
    """A phpBB forum."""

    kind = "phpbb"
    Options = PhpbbOptions
    tables = (
        Table(
            "threads",
            "topics",
            "topic_id",
            "",
            ("topic_title",),
            ("forum_id", "topic_moved_id", *_Topic.__struct_fields__),
        ),
        Table("posts", "posts", "post_id", "topic_id", ("post_text",), _Post.__struct_fields__),
        Table("users", "users", "user_id", "", ("username_clean",), _User.__struct_fields__),
        Table("forums", "forums", "forum_id", "parent_id", ("forum_name",), ("forum_name", "forum_password")),
    )
    forum_columns = ("parent_id", "forum_name")
    forum_secret = "forum_password"  # noqa: S105 - a column's name
    thread_forum = "forum_id"
    post_user = "poster_id"

    def keeps(self, role: str, row: Fields) -> bool:
        """A moved topic leaves a shadow, and a guest is no member."""
        if role == "users":
            return row.get("user_id") != str(_ANONYMOUS)
        return role != "threads" or row.get("topic_status") != str(_MOVED)

    def read_thread(self, row: Fields, prefix: str) -> Head:
        """What a row of ``topics`` says."""
        del prefix
        topic = convert(row, _Topic)
        return Head(
            title=unescape(topic.topic_title),
            created=topic.topic_time,
            updated=topic.topic_last_post_time,
            first=topic.topic_first_post_id,
            views=topic.topic_views,
            visibility=_visibility(topic.topic_visibility, topic.topic_approved),
            closed=topic.topic_status == _LOCKED,
        )

    def read_post(self, row: Fields) -> Message:
        """What a row of ``posts`` says."""
        post = convert(row, _Post)
        state = _visibility(post.post_visibility, post.post_approved)
        return Message(
            id=post.post_id,
            user=post.poster_id if post.poster_id != _ANONYMOUS else 0,
            name=unescape(post.post_username),
            created=post.post_time,
            edited=post.post_edit_time,
            # The format of the text depends on the uid beside it, and a space parts the two.
            text=f"{post.bbcode_uid} {post.post_text}",
            hidden=state == "hidden",
            deleted=state == "deleted",
        )

    def read_user(self, row: Fields) -> Member:
        """What a row of ``users`` says; a founder is of the staff."""
        user = convert(row, _User)
        founder = frozenset(self._options.staff_groups[:1]) if user.user_type == _FOUNDER else frozenset()
        return Member(unescape(user.username), frozenset({user.group_id}) | founder)

    def html(self, message: Message, thread: int, names: dict[str, str]) -> str:
        """A post's text as the reader saw it; attachments are linked where they are, on the post."""
        del names
        uid, _, text = message.text.partition(" ")
        base = self._options.url
        own = self.post_url(thread, message.id)
        return post_html(text, uid, Dialect(base, f"{base}/viewtopic.php?p={{0}}#p{{0}}", own))

    def thread_url(self, thread: int) -> str:
        """A topic's address."""
        return f"{self._options.url}/viewtopic.php?t={thread}"

    def post_url(self, thread: int, post: int) -> str:
        """A post's address."""
        del thread
        return f"{self._options.url}/viewtopic.php?p={post}#p{post}"

    def user_url(self, user: int) -> str:
        """A member's page."""
        return f"{self._options.url}/memberlist.php?mode=viewprofile&u={user}"


def _visibility(state: int, approved: int) -> Visibility:
    """Shown since 3.1 as a state, before as an approval; what waits for a second approval was shown before."""
    if state == _DELETED:
        return "deleted"
    return "public" if state == _SHOWN and approved else "hidden"
