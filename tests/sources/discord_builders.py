"""Small Discord exports for the tests, in words of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from source_builders import write_json

from kbgen.sources.discord import DiscordSource
from kbgen.sources.discord_thread import DiscordOptions

ADA, BEN, BOT = "201", "202", "203"
_PEOPLE = {
    ADA: {"id": ADA, "name": "ada", "nickname": "Ada", "isBot": False, "roles": []},
    BEN: {"id": BEN, "name": "ben", "nickname": "Ben", "isBot": False, "roles": [{"id": "301", "name": "Staff"}]},
    BOT: {"id": BOT, "name": "solver", "nickname": "Solver", "isBot": True, "roles": []},
}


def wrote(number: int, content: str, user: str = BEN, **more: Any) -> dict[str, Any]:
    """A message of the post 400; its id is 400 + its number."""
    author = {**_PEOPLE[user], "avatarUrl": "https://cdn.example.org/a.png"}
    minute = f"{number % 60:02}"
    base = {"id": str(400 + number), "type": "Default", "timestamp": f"2026-02-20T10:{minute}:00.5+02:00"}
    return {**base, "timestampEdited": None, "content": content, "author": author, **more}


def began(content: str = "The pump hums at night.", **more: Any) -> dict[str, Any]:
    """The first message, Ada's."""
    return wrote(0, content, ADA, **more)


def check(*users: str, emoji: str = "✅", code: str = "white_check_mark") -> dict[str, Any]:
    """A reaction of some people."""
    givers = [_PEOPLE[user] for user in users]
    return {"reactions": [{"emoji": {"id": "", "name": emoji, "code": code}, "count": len(users), "users": givers}]}


def exported(messages: list[dict[str, Any]], name: str = "Pump hums", **channel: Any) -> dict[str, Any]:
    """An export of a post."""
    place = {"id": "400", "type": "GuildPublicThread", "categoryId": "40", "category": "help", "name": name, **channel}
    when = {"dateRange": {"after": None, "before": None}, "exportedAt": "2026-03-01T12:00:00+00:00"}
    return {"guild": {"id": "100", "name": "Pumps"}, "channel": place, **when, "messages": messages}


def discord(project: Path, export: dict[str, Any] | None = None, **options: Any) -> DiscordSource:
    """A server exported below ``project``; without an export the files are there already."""
    if export is not None:
        write_json(project / "discord/post.json", export)
    block = {"name": "discord", "kind": "discord", "archive": "discord", "forums": ["help"], **options}
    return DiscordSource(DiscordOptions.model_validate(block), project)
