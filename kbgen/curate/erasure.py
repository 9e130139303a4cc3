"""``site_config/erasure.yml``: people and threads that must not be kept, taken out of everything kbgen holds.

A person stands in the file as digests of their names and ids, so that the list of the forgotten is not itself a list
of names. Their posts stay, without a name, a profile or a mention; a whole thread can be erased as well. Taken out
are the stored records (``scrub``) and what is read from them (``erase``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import yaml
from msgspec import Struct

from kbgen.config import Position, load_yaml, read_written
from kbgen.curate.files import nearest
from kbgen.curate.mentions import unnamed
from kbgen.curate.text import slugify
from kbgen.errors import ConfigError
from kbgen.model import Person, Post, RawRecord, Ref, Thread, split_ref

FILE = "site_config/erasure.yml"
KEYS = ("thread", "person", "source", "by", "when")
NOBODY = "Former member"
_HANDLE = "former-member"
_HEADER = """\
# Threads and people that are not to be kept. `kbgen forget` adds to it. People stand here as digests of their names.
"""
_LONGEST_NAME = 80
# Where platforms write what a person is called, beside the id.
_NAMES = frozenset(("name", "username", "displayname", "display_name", "login", "nickname", "fullname", "full_name"))
_PEOPLE = "/people/"


class Erasure(Struct, frozen=True):
    """What is not to be kept.

    Attributes:
        threads: whole threads.
        people: by source, the digests of names and ids.
    """

    threads: frozenset[Ref] = frozenset()
    people: dict[str, frozenset[str]] = {}

    def concerns(self, source: str) -> bool:
        """Tell whether anybody or anything of a source is to be forgotten."""
        return source in self.people or any(split_ref(ref)[0] == source for ref in self.threads)

    def whole(self) -> str:
        """Digest of everybody who is to be forgotten, of any source; "" for nobody."""
        return "".join(self.digest(source) for source in sorted(self.people))

    def digest(self, source: str) -> str:
        """Of all that is to be forgotten of a source; "" for nothing."""
        if not self.concerns(source):
            return ""
        parts = sorted(self.people.get(source, ())) + sorted(ref for ref in self.threads if split_ref(ref)[0] == source)
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()


def key_of(source: str, name: str) -> str:
    """Give the digest a name or an id stands for in the file; the case of letters does not matter."""
    folded = " ".join(name.split()).casefold()
    return hashlib.blake2b(f"{source}\0{folded}".encode(), digest_size=12).hexdigest()


def keys_of(source: str, person: Person) -> tuple[str, ...]:
    """Give the digests of all a person is known by: id, name, and the handle in the profile's address."""
    names = (person.id, person.name, _handle(person))
    slugs = (slugify(name) for name in names[1:] if name)
    return tuple(dict.fromkeys(key_of(source, name) for name in (*names, *slugs) if name.strip()))


def aliases(payload: bytes, source: str, keys: frozenset[str]) -> frozenset[str]:
    """Find what else a person is called, where a platform's JSON names them: keys of ``keys`` and those beside them.

    Args:
        payload: a stored record.
        source: name of its source.
        keys: digests of what is known.
    """
    try:
        data = msgspec.json.decode(payload)
    except msgspec.DecodeError:
        return keys
    found = set(keys)
    pending = [data]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending += value
        elif isinstance(value, dict):
            pending += value.values()
            names = [item for key, item in value.items() if key.lower() in _NAMES and isinstance(item, str) and item]
            own = {key_of(source, name) for name in names if not name.isdigit()}
            if not own.isdisjoint(keys):
                found |= own | {key_of(source, slugify(name)) for name in names if not name.isdigit()}
    return frozenset(found)


def is_forgotten(path: str, erasure: Erasure) -> bool:
    """Tell whether an address names a forgotten person: the page of one, or one whose title held the full name."""
    if not erasure.people:
        return False
    if path.startswith(_PEOPLE):
        slug = path.removeprefix(_PEOPLE).partition("/")[0]
        return any(
            key_of(source, slug.rpartition(f"-{source}-")[0] or slug) in keys for source, keys in erasure.people.items()
        )
    words = path.strip("/").rpartition("/")[2].split("-")
    parts = ["-".join(words[at : at + length]) for length in (2, 3) for at in range(len(words) - length + 1)]
    parts += [part.removesuffix("s") for part in parts]  # a slug has lost the apostrophe of "Dana Rossi's"
    return any(key_of(source, part) in keys for source, keys in erasure.people.items() for part in parts)


def _handle(person: Person) -> str:
    return unquote(urlsplit(person.url or "").path.rstrip("/").rpartition("/")[2])


def load_erasure(project: Path) -> Erasure:
    """Read the file; nothing is to be forgotten when there is none.

    Raises:
        ConfigError: with every fault, each naming file and line.
    """
    path = project / FILE
    if not path.is_file():
        return Erasure()
    data, lines = load_yaml(read_written(project, FILE), FILE)
    if not isinstance(data or [], list):
        raise ConfigError(f"{FILE}:1: must be a list of blocks with the keys {', '.join(KEYS)}")
    faults: list[str] = []
    threads: set[Ref] = set()
    people: dict[str, set[str]] = {}
    for index, block in enumerate(data or []):
        faults += _faults(block, index, lines)
        if not faults and "thread" in block:
            threads.add(Ref(block["thread"]))
        elif not faults:
            people.setdefault(str(block["source"]), set()).update(map(str, block["person"]))
    if faults:
        raise ConfigError(faults)
    return Erasure(frozenset(threads), {source: frozenset(keys) for source, keys in sorted(people.items())})


def _faults(block: Any, index: int, lines: Mapping[Position, int]) -> list[str]:
    place = f"{FILE}:{lines.get((index,), 1)}:"
    if not isinstance(block, dict):
        return [f"{place} must be a block with the keys {', '.join(KEYS)}"]
    found = [f"{place} {key} is not a known key; {nearest(str(key), KEYS)}" for key in block if key not in KEYS]
    if isinstance(block.get("thread"), str) and ":" in block["thread"]:
        return found
    if not (isinstance(block.get("person"), list) and block.get("source")):
        found.append(f"{place} needs thread: SOURCE:ID, or source: and person: as `kbgen forget` writes them")
    return found


def add_erasure(project: Path, block: Mapping[str, object]) -> None:
    """Write one more block at the end of the file.

    Args:
        project: the project folder.
        block: with some of ``KEYS``.
    """
    path = project / FILE
    before = read_written(project, FILE) if path.is_file() else _HEADER
    text = yaml.safe_dump([dict(block)], allow_unicode=True, sort_keys=False, default_flow_style=None, width=1000)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(before.rstrip("\n") + "\n" + text, encoding="utf-8")
    beside.replace(path)


def erase(thread: Thread, source: str, erasure: Erasure) -> Thread:
    """Take the forgotten people out of a parsed thread.

    Args:
        thread: as parsed.
        source: name of its source.
        erasure: who is forgotten.
    """
    keys = erasure.people.get(source)
    if not keys:
        return thread
    return msgspec.structs.replace(
        thread,
        title=_unnamed(thread.title, source, keys),
        question=_post(thread.question, source, keys),
        answers=tuple(_post(post, source, keys) for post in thread.answers),
    )


def _post(post: Post, source: str, keys: frozenset[str]) -> Post:
    author = post.author
    if author.name in (NOBODY, _HANDLE) or not keys.isdisjoint(keys_of(source, author)):
        # Not deleted: the post still counts, and every post names an author.
        author = Person("", NOBODY, deleted=True)
    return msgspec.structs.replace(post, author=author, html=_unnamed(post.html, source, keys))


def _unnamed(text: str, source: str, keys: frozenset[str]) -> str:
    return unnamed(text, lambda name: key_of(source, name) in keys, _HANDLE, NOBODY)


def scrub(record: RawRecord, erasure: Erasure) -> bytes:
    """Take what is not to be kept out of a stored record.

    Args:
        record: its payload is a platform's JSON; anything else is left as it is.
        erasure: what is not to be kept.

    Returns:
        The payload, the very same bytes when nothing was found in it; of a thread to be forgotten, ``{}``.
    """
    if record.ref in erasure.threads:
        return b"{}"
    payload, source = record.payload, split_ref(record.ref)[0]
    keys = erasure.people.get(source)
    if not keys:
        return payload
    try:
        data = msgspec.json.decode(payload)
    except msgspec.DecodeError:
        return payload
    clean = _scrubbed(data, source, keys)
    return payload if clean == data else msgspec.json.encode(clean)


def _scrubbed(value: Any, source: str, keys: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: _scrubbed(item, source, keys) for key, item in value.items()}
    if isinstance(value, list):
        return [_scrubbed(item, source, keys) for item in value]
    if not isinstance(value, str):
        return value
    # An id stays: it tells later runs whose posts these are, and is a number without a name.
    if len(value) <= _LONGEST_NAME and not value.isdigit() and key_of(source, value) in keys:
        return NOBODY
    return _unnamed(value, source, keys)
