"""The stemmers in JavaScript, Python and C stem alike, word for word."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import snowballstemmer
import Stemmer

from kbgen.errors import ConfigError
from kbgen.search.stemmer_js import LICENCE_NAME, stemmer_licence, stemmer_module

NODE = shutil.which("node")
RUN = """
import {readFileSync} from "node:fs";
const {default: stem} = await import(process.argv[1]);
process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(stem)));
"""
WORDS_EACH = 4000


def python_stemmer(algorithm: str) -> Any:
    """The pure Python form; ``snowballstemmer.stemmer`` would give the C form."""
    module = importlib.import_module(f"snowballstemmer.{algorithm}_stemmer")
    return getattr(module, "".join(part.capitalize() for part in algorithm.split("_")) + "Stemmer")()


def words_for(algorithm: str) -> list[str]:
    """Words glued from the algorithm's own suffixes, prefixes and letters, so that its branches are walked."""
    spec = importlib.util.find_spec(f"snowballstemmer.{algorithm}_stemmer")
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str) and n.value}
    pieces = sorted(t.lower() for t in texts if len(t) <= 12 and not any(c.isspace() for c in t))
    letters = sorted({c for piece in pieces for c in piece})
    dice = random.Random(algorithm)  # noqa: S311 - test data
    words = set(pieces)
    while len(words) < WORDS_EACH:
        root = "".join(dice.choices(letters, k=dice.randint(0, 7)))
        words.add(
            dice.choice(("", "", dice.choice(pieces))) + root + "".join(dice.choices(pieces, k=dice.randint(1, 2)))
        )
    return sorted(words)


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("algorithm", sorted(snowballstemmer.algorithms()))
def test_both_sides_stem_alike(algorithm: str, tmp_path: Path) -> None:
    """Each of several thousand words has the same stem in Python and in JavaScript, for every algorithm."""
    words = words_for(algorithm)
    script = tmp_path / "stem.mjs"
    script.write_text(stemmer_module(algorithm), encoding="utf-8")
    done = subprocess.run(
        [str(NODE), "--input-type=module", "-e", RUN, script.as_uri()],
        input=json.dumps(words),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    stem = python_stemmer(algorithm).stemWord
    assert {w: stem(w) for w in words} == dict(zip(words, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("algorithm", sorted(snowballstemmer.algorithms()))
def test_what_stems_at_build_time_stems_alike(algorithm: str) -> None:
    """The C form gives each word the stem of the Python form, which the browser's is made from."""
    words = words_for(algorithm)
    python, c = python_stemmer(algorithm), Stemmer.Stemmer(algorithm, 0)
    assert {w: python.stemWord(w) for w in words} == {w: c.stemWord(w) for w in words}


def test_an_unknown_algorithm_is_named() -> None:
    """An algorithm the package lacks is an error that names it, not a silent lack of stemming."""
    with pytest.raises(ConfigError, match="klingon"):
        stemmer_module("klingon")


def test_the_licence_travels_with_the_stemmer() -> None:
    """Every stemmer names the file with Snowball's notice and conditions, which lies beside it."""
    assert f"../{LICENCE_NAME}" in stemmer_module("english")
    assert b"Copyright (c) 2001, Dr Martin Porter" in stemmer_licence()
    assert b"Redistributions of source code must retain" in stemmer_licence()
