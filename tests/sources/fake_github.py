"""A small GitHub for tests, on a fake server: one repository's discussions over GraphQL."""

from __future__ import annotations

import json
from typing import Any

from kbgen.testing.server import FakeServer, Request

PAGE = 2
"""How many nodes a page of a connection has, whatever is asked."""


def actor(login: str | None) -> dict[str, Any] | None:
    """An author; None is one whose account is gone."""
    return login and {"__typename": "User", "login": login, "url": f"https://github.com/{login}"}  # type: ignore[return-value]


def comment(number: int, login: str | None = "ben", **changes: Any) -> dict[str, Any]:
    """A comment without replies."""
    return {
        "id": f"DC_{number}",
        "databaseId": number,
        "url": f"https://github.com/hubs/hub/discussions/1#discussioncomment-{number}",
        "bodyHTML": f"<p>Comment {number}.</p>",
        "createdAt": "2026-01-02T10:00:00Z",
        "lastEditedAt": None,
        "deletedAt": None,
        "upvoteCount": 3,
        "author": actor(login),
        "authorAssociation": "NONE",
        "isAnswer": False,
        "isMinimized": False,
        "minimizedReason": None,
        "replies": [],
        **changes,
    }


class FakeGitHub:
    """Answers the queries of ``github_queries``, page by page.

    Attributes:
        discussions: by number; ``comments`` and their ``replies`` are plain lists.
        repository: what is said of it, None when there is none.
        extra: put into every answer, such as errors.
        queries: names of the queries asked, in order.
        remaining: points left in the hour.
    """

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.discussions: dict[int, dict[str, Any]] = {}
        self.repository: dict[str, Any] | None = {"isPrivate": False, "hasDiscussionsEnabled": True}
        self.extra: dict[str, Any] = {}
        self.queries: list[str] = []
        self.remaining = 4_000
        self.stuck = False
        server.route("/graphql", self._answer)

    def add(self, number: int, *comments: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Write a discussion; its answer is the first comment unless told otherwise."""
        comments = comments or (comment(number * 100 + 1, isAnswer=True),)
        self.discussions[number] = {
            **comment(number, "ada"),
            "id": f"D_{number}",
            "number": number,
            "title": f"Question {number}",
            "updatedAt": "2026-01-03T10:00:00Z",
            "closed": False,
            "stateReason": None,
            "isAnswered": True,
            "answerChosenAt": "2026-01-03T10:00:00Z",
            "answerChosenBy": {"login": "ada"},
            "category": {"name": "Q&A", "slug": "q-a", "isAnswerable": True},
            "labels": {"nodes": [{"name": "export"}]},
            "comments": list(comments),
            "answer": comments[0],
            **changes,
        }
        return self.discussions[number]

    def _answer(self, request: Request) -> Any:
        asked = json.loads(request.body)
        name = asked["query"].split()[1].split("(")[0]
        self.queries.append(name)
        data = getattr(self, f"_{name.lower()}")(asked["variables"])
        limit = {"cost": 1, "remaining": self.remaining, "resetAt": "2026-03-01T13:00:00Z"}
        return {"data": {"rateLimit": limit, **data}, **self.extra}

    def _index(self, variables: dict[str, Any]) -> dict[str, Any]:
        if self.repository is None:
            return {"repository": None}
        nodes = [self.discussions[number] for number in sorted(self.discussions)]
        if variables["answered"]:
            nodes = [node for node in nodes if node["isAnswered"]]
        return {"repository": {**self.repository, "discussions": self._page(nodes, variables["after"])}}

    def _page(self, nodes: list[dict[str, Any]], after: str | None) -> dict[str, Any]:
        start = int(after or 0)
        more = self.stuck or start + PAGE < len(nodes)
        cursor = "1" if self.stuck else str(start + PAGE)
        return {"pageInfo": {"hasNextPage": more, "endCursor": cursor}, "nodes": nodes[start : start + PAGE]}

    def _with_pages(self, node: dict[str, Any]) -> dict[str, Any]:
        return {**node, "replies": self._page(_plain(node["replies"]), None)}

    def _discussions(self, variables: dict[str, Any]) -> dict[str, Any]:
        nodes: list[dict[str, Any] | None] = []
        for node_id in variables["ids"]:
            node = next((one for one in self.discussions.values() if one["id"] == node_id), None)
            if node is None or node.get("transferred"):
                nodes.append(None)
                continue
            first = self._page(node["comments"], None)
            first["nodes"] = [self._with_pages(one) for one in first["nodes"]]
            (kept,) = _plain([{**node, "comments": first, "answer": None}])
            (answer,) = _plain([node["answer"]]) if node["answer"] else (None,)
            nodes.append(json.loads(json.dumps({**kept, "answer": answer})))
        return {"nodes": nodes}

    def _comments(self, variables: dict[str, Any]) -> dict[str, Any]:
        node = next(one for one in self.discussions.values() if one["id"] == variables["id"])
        page = self._page(node["comments"], variables["after"])
        return {"node": {"page": {**page, "nodes": [self._with_pages(one) for one in page["nodes"]]}}}

    def _replies(self, variables: dict[str, Any]) -> dict[str, Any]:
        every = [one for node in self.discussions.values() for one in node["comments"]]
        found = next(one for one in every if one["id"] == variables["id"])
        return {"node": {"page": self._page(_plain(found["replies"]), variables["after"])}}


def _plain(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Comments without replies of their own, as they come where those are not asked for."""
    return [{key: value for key, value in node.items() if key != "replies"} for node in nodes]
