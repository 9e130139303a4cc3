"""Asking other people's hosts whether an address still leads somewhere: HEAD, then GET where a host dislikes HEAD.

Texts name hosts nobody wrote into the configuration. So every host gets a client that may talk to that host alone,
a private address is refused whatever it calls itself, robots.txt is heeded, and a redirect to another host is
asked there, in the next round. Hosts are asked beside each other, each by one thread at its own pace. Not here: which
links there are, and how often they are asked (``external``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from queue import SimpleQueue
from typing import NamedTuple
from urllib.parse import urlsplit

from kbgen.errors import SourceError
from kbgen.sources.http import Disallowed, Manners, Moved, Refused, TooLarge, host_of
from kbgen.sources.http_client import HttpClient, Network
from kbgen.sources.http_guard import is_private_name
from kbgen.sources.http_wire import Busy
from kbgen.store.links import LinkState

_ACCEPT = "text/html,application/xhtml+xml,*/*;q=0.8"
_GONE = frozenset({404, 410, 451})
_ANY = range(201, 600)
_HOPS = 5
_BESIDE = 8
# A host that is down is asked no more in this run: each of its other links would cost a timeout.
_STRIKES = 3
# Seconds, and bytes: whether a page is there shows soon.
_PATIENCE, _TIMEOUT, _MOST_BYTES = 30.0, 15.0, 1_000_000
# A page is not read for being there.
_PART = {"range": "bytes=0-1023"}


def link_network(manners: Manners) -> Network:
    """The network one host is asked over: it reads little and waits little, for nothing depends on it.

    Args:
        manners: towards hosts in general.
    """
    patience, timeout = min(manners.patience, _PATIENCE), min(manners.timeout, _TIMEOUT)
    return Network(replace(manners, max_bytes=_MOST_BYTES, patience=patience, timeout=timeout))


class Answer(NamedTuple):
    """What became of an address.

    Attributes:
        said: the status or the reason, in a word or two.
        target: where another host is to be asked, "" when this is final.
    """

    address: str
    state: LinkState
    said: str
    target: str = ""


def ask_all(
    addresses: Iterable[str], network: Callable[[], Network], own: Collection[str] = ()
) -> Iterator[tuple[str, Answer | None]]:
    """Ask for addresses, and give each with its answer as it comes; None for one that was not asked.

    Args:
        addresses: absolute, without fragment.
        network: makes the network of one host; pace and limits of all are alike.
        own: names of hosts that may be private, because they are in the configuration.
    """
    networks: dict[str, Network] = {}
    asked: dict[str, list[str]] = {address: [address] for address in addresses}
    for _ in range(_HOPS):
        moved: dict[str, list[str]] = {}
        for answer in _round(asked, networks, network, own):
            for original in asked.pop(answer.address):
                if answer.target:
                    moved.setdefault(answer.target, []).append(original)
                else:
                    yield original, answer
        yield from ((original, None) for several in asked.values() for original in several)
        asked = moved
    for several in asked.values():
        yield from ((original, Answer(original, "unreachable", "redirects in a circle")) for original in several)


def _round(
    addresses: Iterable[str],
    networks: dict[str, Network],
    network: Callable[[], Network],
    own: Collection[str],
) -> Iterator[Answer]:
    """The answers of all hosts, as they come."""
    by_host: dict[str, list[str]] = {}
    for address in addresses:
        by_host.setdefault(_host(address), []).append(address)
    answers: SimpleQueue[Answer | None] = SimpleQueue()

    def work(host: str, several: list[str]) -> None:
        try:
            for answer in _ask_host(host, several, networks[host], own):
                answers.put(answer)
        finally:
            answers.put(None)

    for host in by_host:
        networks.setdefault(host, network())
    with ThreadPoolExecutor(_BESIDE) as pool:
        # The longest first: the round ends with the slowest host.
        order = sorted(by_host, key=lambda host: (-len(by_host[host]), host))
        running = [pool.submit(work, host, by_host[host]) for host in order]
        left = len(running)
        while left:
            answer = answers.get()
            if answer is None:
                left -= 1
            else:
                yield answer
        for one in running:
            one.result()


def _host(address: str) -> str:
    try:
        return host_of(address)
    except ValueError:
        return ""


def _ask_host(host: str, several: Iterable[str], network: Network, own: Collection[str]) -> Iterator[Answer]:
    strikes = 0
    with HttpClient((host,), network) as client:
        for address in several:
            if not _permitted(address, own):
                yield Answer(address, "refused", "not a public address")
                continue
            if strikes >= _STRIKES:
                break
            answer = _ask(client, address)
            strikes = strikes + 1 if answer.state == "unreachable" else 0
            yield answer


def _permitted(address: str, own: Collection[str]) -> bool:
    try:
        parts = urlsplit(address)
        name = (parts.hostname or "").lower()
    except ValueError:
        return False
    # A client lets an address through that it was made for; these were made for what a stranger wrote.
    return bool(name) and "@" not in parts.netloc and (name in own or not is_private_name(name))


def _ask(client: HttpClient, address: str) -> Answer:
    try:
        reply = client.head(address, accept=_ACCEPT, handled=_ANY)
        if reply.status >= 400:
            # Many hosts answer HEAD with an error, and GET with a page.
            reply = client.get(address, headers=_PART, accept=_ACCEPT, handled=_ANY)
    except Moved as error:
        return Answer(address, "ok", "moved", error.target.partition("#")[0])
    except TooLarge:
        return Answer(address, "ok", "there")
    except (Disallowed, Refused) as error:
        return Answer(address, "refused", "robots.txt" if isinstance(error, Disallowed) else "not a public address")
    except Busy as error:
        return Answer(address, "refused", "busy") if error.reached else Answer(address, "unreachable", "no answer")
    except SourceError:
        return Answer(address, "refused", "not readable")
    return Answer(address, _state(reply.status), str(reply.status))


_SPECIAL: Mapping[int, LinkState] = {416: "ok"}


def _state(status: int) -> LinkState:
    if status in _GONE:
        return "gone"
    if status >= 500:
        return "unreachable"
    return _SPECIAL.get(status, "ok" if status < 400 else "refused")
