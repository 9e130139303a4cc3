"""The files of the static index, byte by byte. Version 1.

One folder a language below ``search/``::

    languages.json                 {"version": 1, "languages": ["en", "he"]}
    snowball-licence.txt           the stemmers' licence
    en/meta.json                   the directory, below
    en/stem-<hash>.js              the language's stemmer as an ES module (absent when nothing is stemmed)
    en/b/<hash>                    block: postings of a run of terms
    en/r/<hash>/<n>                result chunk n: what a list shows of documents 16n to 16n+15

Files named by a hash never change and may be cached for ever; ``meta.json`` and ``languages.json`` are to be
revalidated.
Blocks and chunks are gzip files (level 9, no time) whatever the host does: the browser inflates what starts with
``1f 8b`` and takes anything else as already inflated.

``meta.json``::

    version    1; a reader refuses any other
    lang, docs language tag; number of documents, ids 0 to docs-1
    terms      number of distinct terms
    analysis   the rules of kbgen.search.analysis for this language; "stemmer" is the file name or ""
    blocks     [[first term, hash], ...] in term order
    results    hash of each group of 8 result chunks, ...
    topics     [[slug, title, first id, end id], ...]: documents are ordered by topic, then popularity, so a topic is
               a range

A **block**, inflated, is: four varints (number of terms n, bytes of the term section, bytes of the counts, bytes of the
gaps), then

1. the terms, UTF-8, separated by line feeds, sorted by UTF-16 code units (JavaScript's order);
2. for each term two varints: how many postings p, and the scale s of its impacts;
3. for each posting a varint: the gap to the previous document id of the same term, from -1, less one;
4. for each posting of terms with p > 1 one byte, its impact 1 to 63. A lone posting's impact is 63.

The weight of a posting is s times impact. Varints are little-endian base 128. Readers take the sections' lengths
from the head, so that a later version can append sections (positions, more fields, typo neighbourhoods) without a new
layout.

A **result chunk** is JSON: ``[[title, path, summary, topic number or -1, badge, updated, kind], ...]``; a topic number
points into ``topics``.

Not here: which postings and weights (``index``), and reading them (``query``).
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

FORMAT_VERSION = 1
CHUNK_DOCS = 16
GROUP_CHUNKS = 8
TOP_IMPACT = 63

Integers = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


def term_key(term: str) -> bytes:
    """Sort key that orders terms as JavaScript compares strings."""
    return term.encode("utf-16-be")


def content_name(data: bytes) -> str:
    """A file name made of the content: 40 bits, safe in any file system and URL."""
    return base64.b32encode(hashlib.sha256(data).digest()[:5]).decode("ascii").lower()


def deflate(data: bytes) -> bytes:
    """A gzip file without time or name, so that equal content has equal bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def inflate(data: bytes) -> bytes:
    """What ``deflate`` packed; anything else is returned as it is."""
    return zlib.decompress(data, 31) if data[:2] == b"\x1f\x8b" else data


def varints(values: Integers) -> bytes:
    """Every value as a varint, one after the other.

    Args:
        values: non-negative, below 2**28.
    """
    lengths = 1 + (values >= 1 << 7).astype(np.int64) + (values >= 1 << 14) + (values >= 1 << 21)
    ends = np.cumsum(lengths)
    out: Bytes = np.zeros(int(ends[-1]) if len(ends) else 0, dtype=np.uint8)
    starts = ends - lengths
    for position in range(4):
        has = lengths > position
        more = (lengths[has] > position + 1).astype(np.int64) << 7
        out[starts[has] + position] = ((values[has] >> (7 * position)) & 0x7F) | more
    packed: bytes = out.tobytes()
    return packed


def read_varints(data: bytes) -> Integers:
    """All varints of a byte string."""
    raw: Bytes = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(raw < 0x80)
    starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
    out: Integers = np.zeros(len(ends), dtype=np.int64)
    for position in range(4):
        has = starts + position <= ends
        out[has] |= (raw[starts[has] + position].astype(np.int64) & 0x7F) << (7 * position)
    return out


class Block(Struct, frozen=True):
    """The postings of a run of terms.

    Attributes:
        terms: in ``term_key`` order; ``counts`` and ``scales`` have one number a term.
        docs, impacts: one number a posting, the terms' postings one after the other, ids ascending within a term.
    """

    terms: Sequence[str]
    counts: Integers
    scales: Integers
    docs: Integers
    impacts: Integers


def pack_block(block: Block) -> bytes:
    """The bytes of a block, not yet compressed."""
    words = "\n".join(block.terms).encode()
    heads = varints(np.column_stack((block.counts, block.scales)).reshape(-1))
    previous = np.concatenate(([0], block.docs[:-1] + 1))
    previous[np.cumsum(block.counts) - block.counts] = 0
    gaps = varints(block.docs - previous)
    lone = np.repeat(block.counts == 1, block.counts)
    head = varints(np.array([len(block.terms), len(words), len(heads), len(gaps)], dtype=np.int64))
    impacts: bytes = block.impacts[~lone].astype(np.uint8).tobytes()
    return head + words + heads + gaps + impacts


def unpack_block(data: bytes) -> Block:
    """What ``pack_block`` was given."""
    end = 0
    for _ in range(4):
        while data[end] & 0x80:
            end += 1
        end += 1
    _, n_words, n_heads, n_gaps = (int(v) for v in read_varints(data[:end]))
    words = data[end : end + n_words].decode().split("\n")
    end += n_words
    heads = read_varints(data[end : end + n_heads]).reshape(-1, 2)
    end += n_heads
    counts, scales = heads[:, 0], heads[:, 1]
    gaps = read_varints(data[end : end + n_gaps])
    end += n_gaps
    sums = np.cumsum(gaps + 1)
    firsts = np.cumsum(counts) - counts
    docs = sums - 1 - np.repeat(sums[firsts] - gaps[firsts] - 1, counts)
    impacts: Integers = np.full(len(gaps), TOP_IMPACT, dtype=np.int64)
    impacts[~np.repeat(counts == 1, counts)] = np.frombuffer(data[end:], dtype=np.uint8)
    return Block(words, counts, scales, docs, impacts)
