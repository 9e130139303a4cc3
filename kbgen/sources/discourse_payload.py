"""What Discourse's JSON looks like, as far as it is read; every field but ids may be missing, and has been.

What is NOT here: what it means (``discourse``), and how it is asked for (``discourse_live``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

REGULAR = 1
"""The ``post_type`` of what people write; the others are moderators' actions, notices and whispers."""
_NOTHING = msgspec.Raw(b"")
# What moves with every visit, belongs to the reader who asked, or shows people's pictures.
_LEFT_OUT = frozenset(
    (
        "actor",
        "avatar_template",
        "bookmarked",
        "bookmarks",
        "deleted_by",
        "details",
        "draft",
        "draft_key",
        "draft_sequence",
        "incoming_link_count",
        "link_counts",
        "message_bus_last_id",
        "readers_count",
        "reads",
        "related_topics",
        "score",
        "suggested_topics",
        "thumbnails",
        "timeline_lookup",
        "trust_level",
        "user_title",
    )
)
_PERSONAL = ("can_", "current_user_", "flair_", "primary_group_", "user_flair", "yours")


class Skipped(Struct):
    """An object whose inside does not matter yet; decoding skips over it."""


class Action(Struct):
    """How often something was done to a post; id 2 are likes."""

    id: int | None = None
    count: int | None = None


class PostData(Struct):
    """A post."""

    id: int
    post_number: int
    post_type: int = REGULAR
    cooked: str | None = None
    username: str | None = None
    name: str | None = None
    user_id: int | None = None
    created_at: str | None = None
    updated_at: str | None = None
    version: int | None = None
    actions_summary: list[Action] | None = None
    moderator: bool | None = None
    admin: bool | None = None
    staff: bool | None = None
    hidden: bool | None = None
    deleted_at: str | None = None
    user_deleted: bool | None = None
    accepted_answer: bool | None = None


class Stream(Struct):
    """A page of posts, and the ids of all of them."""

    posts: list[PostData] = []
    stream: list[int] | None = None


class Accepted(Struct):
    """The mark of an accepted answer: with ``post_number`` until 2026-05, with ``id`` since."""

    id: int | None = None
    post_number: int | None = None
    accepter_username: str | None = None


class TagName(Struct):
    """A tag since early 2026; it was a string until then."""

    name: str


class Topic(Struct):
    """``/t/<id>.json``."""

    id: int
    post_stream: Stream
    title: str | None = None
    unicode_title: str | None = None
    slug: str | None = None
    created_at: str | None = None
    last_posted_at: str | None = None
    views: int | None = None
    visible: bool | None = None
    closed: bool | None = None
    archived: bool | None = None
    archetype: str | None = None
    category_id: int | None = None
    deleted_at: str | None = None
    tags: list[str | TagName] | None = None
    accepted_answer: Accepted | None = None
    accepted_answers: list[Accepted] | None = None


class Category(Struct):
    """A category of ``/site.json`` or ``/categories.json``."""

    id: int
    name: str = ""
    slug: str = ""
    parent_category_id: int | None = None
    read_restricted: bool | None = None


class Where(Struct):
    """The category of a topic, as the forum names it elsewhere."""

    names: tuple[str, ...] = ()
    restricted: bool = False


class Envelope(Struct):
    """A payload with what the topic itself does not say; a bare topic has none of these keys.

    Attributes:
        kbgen_posts: those beyond the first page of a topic that was asked for over the network.
        kbgen_absent: how many posts the forum named and did not give; None for a recording.
    """

    kbgen_topic: msgspec.Raw = _NOTHING
    kbgen_category: Where | None = None
    kbgen_posts: list[PostData] = []
    kbgen_absent: int | None = None


class Glance(Struct):
    """What has to be known of a member before it is parsed."""

    id: int | None = None
    title: str | None = None
    slug: str | None = None
    category_id: int | None = None
    topic_id: int | None = None
    post_number: int | None = None
    post_stream: Skipped | None = None
    topic_list: Skipped | None = None
    latest_posts: list[Skipped] | None = None
    categories: list[Category] | None = None
    category_list: dict[str, Any] | None = None
    errors: list[str] | None = None


def where_is(category_id: int | None, categories: Mapping[int, Category]) -> Where | None:
    """Path of a category: its ancestors' names, then its own name, slug and id, so that any of them can be mapped."""
    own = categories.get(category_id) if category_id is not None else None
    if own is None:
        return None
    names: list[str] = []
    restricted, parent = bool(own.read_restricted), own
    # Two levels are usual, three possible; the bound ends a loop of parents.
    for _ in range(5):
        above = categories.get(parent.parent_category_id or -1)
        if above is None:
            break
        names.insert(0, above.name)
        restricted, parent = restricted or bool(above.read_restricted), above
    own_names = dict.fromkeys(name for name in (own.name, own.slug, str(own.id)) if name)
    return Where((*names, *own_names), restricted)


def categories_of(glance: Glance) -> list[Category]:
    """The categories of a recorded list of them, none when it is something else."""
    if glance.categories or not glance.category_list:
        return glance.categories or []
    listed = glance.category_list.get("categories")
    try:
        return msgspec.convert(listed or [], list[Category], strict=False)
    except msgspec.ValidationError:
        return []


def lasting(value: object) -> object:
    """A payload without what moves with every visit or belongs to the reader who asked."""
    if isinstance(value, dict):
        return {
            name: lasting(inner)
            for name, inner in value.items()
            if name not in _LEFT_OUT and not name.startswith(_PERSONAL)
        }
    return [lasting(inner) for inner in value] if isinstance(value, list) else value
