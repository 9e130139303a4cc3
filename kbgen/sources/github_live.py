"""GitHub Discussions asked over GraphQL: the list of a repository, whole discussions, and the rest of long ones.

What is NOT here: the queries (``github_queries``), and what a discussion means (``github_discussions``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from kbgen.errors import SourceError
from kbgen.model import RawRecord
from kbgen.sources.base import Harvested
from kbgen.sources.github_queries import COMMENTS, DISCUSSIONS, INDEX, REPLIES
from kbgen.sources.http import Client
from kbgen.sources.live import Known, Step, Walk
from kbgen.sources.sweep import sweep

_BATCH = 10
# Errors that say of a node that it cannot be read any more; any other stops the pass.
_GONE = frozenset(("NOT_FOUND", "FORBIDDEN"))

Node = dict[str, Any]
MakeRecord = Callable[[Node], RawRecord]
"""Builds a record from a whole discussion."""


@dataclass(frozen=True)
class Wishes:
    """What the configuration asks of a repository.

    Attributes:
        api: address of the GraphQL API.
        owner: of the repository.
        name: of the repository.
        token: sent as a bearer's.
        only_solved: leave out discussions without a chosen answer.
        categories: names or slugs, in lower case; empty for all whose discussions can be answered.
        most_comments: of a discussion, and of replies to a comment.
    """

    api: str
    owner: str
    name: str
    token: str
    only_solved: bool
    categories: frozenset[str]
    most_comments: int


class LiveRepository:
    """One pass over a repository's discussions.

    Args:
        wishes: what to read.
        client: the way to the network.
        make: builds the records.
    """

    def __init__(self, wishes: Wishes, client: Client, make: MakeRecord) -> None:
        self._wishes = wishes
        self._client = client
        self._make = make
        self._nodes: dict[str, str] = {}
        self._left: int | None = None
        self._reset = ""

    def steps(self, known: Known, walk: Walk) -> Iterator[Step]:
        """Do the pass.

        Raises:
            SourceError: the repository cannot be read, or the hour's points are used up.
        """
        yield from sweep(self._index(), known, walk, self._fetch, batch=_BATCH)

    def _index(self) -> dict[str, str]:
        found: dict[str, str] = {}
        variables = {"owner": self._wishes.owner, "name": self._wishes.name}
        # Unanswered ones are asked for with null: false would be the unanswered alone.
        answered = True if self._wishes.only_solved else None
        for page in self._pages(INDEX, {**variables, "answered": answered}, self._discussions, None):
            for node in page:
                number = str(node["number"])
                if self._is_wanted(node):
                    self._nodes[number] = node["id"]
                    data = msgspec.json.encode(node, order="deterministic")
                    found[number] = hashlib.blake2b(data, digest_size=12).hexdigest()
        return found

    def _discussions(self, data: Node) -> Node:
        where = f"{self._wishes.owner}/{self._wishes.name}"
        repository = data.get("repository")
        if repository is None:
            raise SourceError(f"{where}: no such repository, or the token may not read it; check `url` and `token`")
        if repository.get("isPrivate"):
            raise SourceError(f"{where}: the repository is private, so nothing of it may be published")
        if repository.get("hasDiscussionsEnabled") is False:
            raise SourceError(f"{where}: the repository has no discussions; switch them on, or remove the source")
        return cast("Node", repository["discussions"])

    def _is_wanted(self, node: Node) -> bool:
        category = node.get("category") or {}
        if self._wishes.only_solved and not node.get("answer"):
            return False
        if not self._wishes.categories:
            return bool(category.get("isAnswerable"))
        return not self._wishes.categories.isdisjoint(str(category.get(key, "")).lower() for key in ("name", "slug"))

    def _fetch(self, numbers: Sequence[str]) -> Iterator[tuple[str, Harvested | None]]:
        # A list by cursor skips nothing while it is read, so what it lacks is gone.
        listed = [number for number in numbers if number in self._nodes]
        yield from ((number, None) for number in numbers if number not in self._nodes)
        if not listed:
            return
        nodes = self._ask(DISCUSSIONS, {"ids": [self._nodes[number] for number in listed]})["nodes"]
        for number, node in zip(listed, nodes, strict=True):
            if not node or str(node.get("number")) != number or not self._is_wanted(node):
                yield number, None
            else:
                self._complete(node)
                yield number, self._make(node)

    def _complete(self, node: Node) -> None:
        """Fetch the comments and replies beyond the first pages, so that the node is a whole discussion."""
        comments = node["comments"]
        comments["nodes"] = self._all(COMMENTS, node["id"], comments)
        for comment in comments["nodes"]:
            replies = comment.get("replies")
            if replies is not None:
                replies["nodes"] = self._all(REPLIES, comment["id"], replies)

    def _all(self, query: str, node_id: str, first: Node) -> list[Node]:
        found = list(first["nodes"])
        info = first.get("pageInfo") or {}
        if info.get("hasNextPage") and len(found) < self._wishes.most_comments:
            for page in self._pages(query, {"id": node_id}, _page, info.get("endCursor")):
                found += page
                if len(found) >= self._wishes.most_comments:
                    break
        # A comment written meanwhile moves no other, but a page may be given twice by a replayed request.
        return [*{one["id"]: one for one in found if one}.values()]

    def _pages(
        self, query: str, variables: Mapping[str, object], connection: Callable[[Node], Node], after: str | None
    ) -> Iterator[list[Node]]:
        """Walk a connection by its cursors.

        Raises:
            SourceError: a cursor comes again, so the walk would have no end.
        """
        used = {after}
        while True:
            page = connection(self._ask(query, {**variables, "after": after}))
            yield [node for node in page["nodes"] if node]
            info = page["pageInfo"]
            if not info["hasNextPage"]:
                return
            after = info["endCursor"]
            if after in used:
                raise SourceError(f"{self._wishes.api}: gave the cursor {after} twice; the next run tries again")
            used.add(after)

    def _ask(self, query: str, variables: Mapping[str, object]) -> Node:
        if self._left == 0:
            raise SourceError(f"{self._wishes.api}: {_used_up(self._reset)}")
        headers = {"Authorization": f"bearer {self._wishes.token}"}
        body = {"query": " ".join(query.split()), "variables": dict(variables)}
        reply = self._client.post(self._wishes.api, json=body, headers=headers, handled=(401,))
        if reply.status == 401:
            raise SourceError(f"{self._wishes.api}: refuses the token; make a new one and check `token`")
        answer = cast("Node", reply.json())
        data = cast("Node", answer.get("data") or {})
        limit = data.get("rateLimit") or {}
        self._reset = limit.get("resetAt", "")
        self._left = limit.get("remaining") if limit.get("remaining", 1) >= limit.get("cost", 0) else 0
        self._check(answer.get("errors") or [], data)
        return data

    def _check(self, errors: Sequence[Node], data: Node) -> None:
        for error in errors:
            kind, said = error.get("type"), error.get("message", "no reason given")
            if kind == "RATE_LIMITED":
                raise SourceError(f"{self._wishes.api}: {_used_up(self._reset)}")
            if kind not in _GONE or not data:
                raise SourceError(f"{self._wishes.api}: cannot answer ({said}); the next run goes on from here")


def _page(data: Node) -> Node:
    node = data.get("node") or {}
    return cast("Node", node.get("page") or {"nodes": [], "pageInfo": {"hasNextPage": False}})


def _used_up(reset: str) -> str:
    until = f" until {reset}" if reset else ""
    return f"the hour's points are used up{until}; the next run goes on from here"
