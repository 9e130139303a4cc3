"""Small SQL dumps of forums for the sources' tests, in words of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kbgen.sources.base import Source
from kbgen.sources.mybb import MybbSource
from kbgen.sources.phpbb import PhpbbSource
from kbgen.sources.vbulletin import VbulletinSource

BOARD = "https://board.example.com"
KINDS: dict[str, type[Source]] = {"phpbb": PhpbbSource, "mybb": MybbSource, "vbulletin": VbulletinSource}
AT = 1_700_000_000
Rows = list[dict[str, Any]]


def sql(value: object) -> str:
    """A value as mysqldump writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    text = str(value)
    for sign, escape in (("\\", r"\\"), ("'", r"\'"), ("\n", r"\n"), ("\r", r"\r"), ("\0", r"\0")):
        text = text.replace(sign, escape)
    return f"'{text}'"


def table(name: str, rows: Rows) -> str:
    """A table with its rows; the first row's keys are its columns."""
    columns = list(rows[0])
    defined = ",\n".join(f"  `{column}` text DEFAULT NULL COMMENT 'a, (b)'" for column in columns)
    values = ",".join("(" + ",".join(sql(row.get(column)) for column in columns) + ")" for row in rows)
    return f"CREATE TABLE `{name}` (\n{defined},\n  PRIMARY KEY (`{columns[0]}`)\n);\nINSERT INTO `{name}` VALUES {values};\n"


def write_sql(file: Path, tables: dict[str, Rows]) -> Path:
    """Write a dump of these tables, as mysqldump would."""
    head = "-- MySQL dump 10.13\n/*!40101 SET NAMES utf8mb4 */;\n"
    text = head + "".join(table(name, rows) for name, rows in tables.items()) + "-- Dump completed\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def board(project: Path, kind: str, **options: Any) -> Source:
    """A forum whose dump is ``dump.sql`` below ``project``."""
    source = KINDS[kind]
    block = {"name": "board", "kind": kind, "url": BOARD, "dump": "dump.sql", "forums": ["*"], **options}
    return source(source.Options.model_validate(block), project)


def phpbb_topic(number: int, **changes: Any) -> dict[str, Any]:
    """A row of ``phpbb_topics``; its first post is ten times its id."""
    return {
        "topic_id": number,
        "forum_id": 2,
        "topic_title": "Lamp &amp; hub",
        "topic_time": AT,
        "topic_last_post_time": AT + 100,
        "topic_first_post_id": number * 10,
        "topic_views": 8,
        "topic_status": 0,
        "topic_visibility": 1,
        "topic_solved": 0,
        **changes,
    }


def phpbb_post(number: int, **changes: Any) -> dict[str, Any]:
    """A row of ``phpbb_posts``, of the topic that its id begins with."""
    return {
        "post_id": number,
        "topic_id": number // 10,
        "poster_id": 54,
        "post_time": AT + number,
        "post_edit_time": 0,
        "post_username": "",
        "post_text": f"<t>Words of post {number}.</t>",
        "bbcode_uid": "1a2b3c4d",
        "post_visibility": 1,
        "poster_ip": "192.0.2.7",
        **changes,
    }


def phpbb(topics: Rows, posts: Rows, prefix: str = "phpbb_") -> dict[str, Rows]:
    """The tables of a phpBB: a public forum below a category, and one with a password."""
    forums: Rows = [
        {"forum_id": 1, "parent_id": 0, "forum_name": "Help", "forum_password": ""},
        {"forum_id": 2, "parent_id": 1, "forum_name": "Lamps &amp; hubs", "forum_password": ""},
        {"forum_id": 3, "parent_id": 1, "forum_name": "Staff", "forum_password": "hash"},
    ]
    users: Rows = [
        {"user_id": 1, "username": "Anonymous", "username_clean": "anonymous", "user_type": 2, "group_id": 1},
        {"user_id": 54, "username": "Ada", "username_clean": "ada", "user_type": 0, "group_id": 2},
        {"user_id": 55, "username": "Ben &amp; co", "username_clean": "ben", "user_type": 0, "group_id": 5},
    ]
    users = [{**user, "user_email": "someone@example.com", "user_password": "hash"} for user in users]
    named = {"topics": topics, "posts": posts, "users": users, "forums": forums}
    return {prefix + name: rows for name, rows in named.items()}


def mybb_thread(number: int, **changes: Any) -> dict[str, Any]:
    """A row of ``mybb_threads``."""
    return {
        "tid": number,
        "fid": 4,
        "subject": "Lamp & hub",
        "prefix": 0,
        "dateline": AT,
        "lastpost": AT + 9,
        "firstpost": number * 10,
        "views": 3,
        "closed": "",
        "visible": 1,
        **changes,
    }


def mybb_post(number: int, **changes: Any) -> dict[str, Any]:
    """A row of ``mybb_posts``, of the thread that its id begins with."""
    return {
        "pid": number,
        "tid": number // 10,
        "uid": 21,
        "username": "Ada",
        "dateline": AT + number,
        "edittime": 0,
        "message": f"Words of post {number}.",
        "visible": 1,
        **changes,
    }


def mybb(threads: Rows, posts: Rows) -> dict[str, Rows]:
    """The tables of a MyBB with one forum, a solved prefix and another."""
    return {
        "mybb_threads": threads,
        "mybb_posts": posts,
        "mybb_users": [
            {"uid": 21, "username": "Ada", "usergroup": 2, "additionalgroups": "", "email": "a@example.com"},
            {"uid": 22, "username": "Ben", "usergroup": 2, "additionalgroups": "9,6", "email": "b@example.com"},
        ],
        "mybb_forums": [{"fid": 4, "pid": 0, "name": "Lamps", "parentlist": "4", "password": ""}],
        "mybb_threadprefixes": [{"pid": 3, "prefix": "Solved"}, {"pid": 5, "prefix": "Bug"}],
    }


def vb_thread(number: int, **changes: Any) -> dict[str, Any]:
    """A row of ``thread``."""
    return {
        "threadid": number,
        "title": "Lamp &amp; hub",
        "prefixid": "",
        "firstpostid": number * 10,
        "lastpost": AT + 9,
        "forumid": 9,
        "open": 1,
        "dateline": AT,
        "views": 7,
        "visible": 1,
        "taglist": None,
        **changes,
    }


def vb_post(number: int, **changes: Any) -> dict[str, Any]:
    """A row of ``post``, of the thread that its id begins with."""
    return {
        "postid": number,
        "threadid": number // 10,
        "userid": 41,
        "username": "Ada",
        "dateline": AT + number,
        "pagetext": f"Words of post {number}.",
        "visible": 1,
        **changes,
    }


def vbulletin(threads: Rows, posts: Rows) -> dict[str, Rows]:
    """The tables of a vBulletin with one forum whose name holds markup."""
    return {
        "vb_thread": threads,
        "vb_post": posts,
        "vb_user": [
            {"userid": 41, "username": "Ada", "usergroupid": 2, "membergroupids": ""},
            {"userid": 42, "username": "B&#1081;n", "usergroupid": 2, "membergroupids": "3,6"},
        ],
        "vb_forum": [{"forumid": 9, "parentid": -1, "title": "<b>Lamps</b> &amp; hubs", "password": ""}],
    }
