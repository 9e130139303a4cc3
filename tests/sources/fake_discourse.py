"""A small Discourse forum for tests, on a fake server: topics that can be changed, and counted requests."""

from __future__ import annotations

from typing import Any

from source_builders import post, topic

from kbgen.testing.server import Canned, FakeServer, Request

_JSON = {"Content-Type": "application/json"}
_REFUSED = Canned(403, _JSON, b'{"errors":["You may not."],"error_type":"invalid_access"}')


class FakeForum:
    """Serves lists, topics, chunks of posts and categories as Discourse does.

    Attributes:
        topics: by id; change them as a forum's people would.
        absent: ids of posts that streams name and nobody is given.
        private: topics that answer 403 and that lists no longer have.
        late: topics that lists still have though they are private.
        page: how many topics a page of a list has, whatever is asked.
    """

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.topics: dict[int, dict[str, Any]] = {}
        self.absent: set[int] = set()
        self.private: set[int] = set()
        self.late: set[int] = set()
        self.pinned: set[int] = set()
        self.page = 100
        self.plugin = True
        self.categories: list[dict[str, Any]] = [{"id": 5, "name": "Hubs", "slug": "hubs"}]
        server.route("/latest.json", self._latest)
        server.route("/site.json", lambda _: {"categories": self.categories})
        server.route("/posts.json", self._posts)

    def add(self, number: int, replies: int = 1, *, accepted: int | None = 2, **changes: Any) -> dict[str, Any]:
        """Write a topic; its posts have the ids ``1000 * number + post number``."""
        posts = [
            post(1, id=1000 * number + index, post_number=index, accepted_answer=index == accepted)
            for index in range(1, replies + 2)
        ]
        base = {"id": number, "title": f"Question {number}", "slug": f"question-{number}", "bumped_at": f"b{number}"}
        self.topics[number] = topic(posts, **{**base, **changes})
        self.server.route(f"/t/{number}.json", lambda _: self._topic(number))
        self.server.route(f"/t/{number}/posts.json", lambda request: self._chunk(number, request))
        return self.topics[number]

    def _is_solved(self, found: dict[str, Any]) -> bool:
        return any(one.get("accepted_answer") for one in found["post_stream"]["posts"])

    def _latest(self, request: Request) -> Any:
        shown = [number for number in sorted(self.topics) if number not in self.private]
        if self.plugin and request.query.get("solved") == "yes":
            shown = [number for number in shown if self._is_solved(self.topics[number])]
        start = int(request.query.get("page", 0)) * self.page
        page = [*(sorted(self.pinned) if start == 0 else ()), *shown[start : start + self.page]]
        more = {"more_topics_url": "/latest?page=1"} if start + self.page < len(shown) else {}
        return {"topic_list": {"topics": [self._item(self.topics[number]) for number in page], **more}}

    def _item(self, found: dict[str, Any]) -> dict[str, Any]:
        names = ("id", "title", "slug", "bumped_at", "category_id", "visible", "closed", "archetype", "tags", "views")
        flag = {"has_accepted_answer": self._is_solved(found)} if self.plugin else {}
        return {**{name: found.get(name) for name in names}, "last_posted_at": None, **flag}

    def _topic(self, number: int) -> Any:
        if number in self.private | self.late:
            return _REFUSED
        found = self.topics[number]
        posts = found["post_stream"]["posts"]
        stream = {"posts": posts[:20], "stream": [one["id"] for one in posts]}
        related = {"suggested_topics": [{"id": 1}], "views": found.get("views"), "details": {"can_edit": True}}
        return {**found, **related, "post_stream": stream}

    def _chunk(self, number: int, request: Request) -> Any:
        posts = self.topics[number]["post_stream"]["posts"]
        # The last of the ids asked for; what lies before it in its chunk was asked for with it.
        last = next(index for index, one in enumerate(posts) if str(one["id"]) == request.query["post_ids[]"])
        chunk = posts[last - (last % 20) : last + 1]
        return {"post_stream": {"posts": [one for one in chunk if one["id"] not in self.absent]}, "id": number}

    def _posts(self, request: Request) -> Any:
        every = [(one["id"], number) for number, found in self.topics.items() for one in found["post_stream"]["posts"]]
        before = int(request.query.get("before", 10**9))
        newest = sorted((pair for pair in every if pair[0] < before), reverse=True)[:50]
        shown = [pair for pair in newest if pair[1] not in self.private]
        return {"latest_posts": [{"id": post_id, "topic_id": number} for post_id, number in shown]}
