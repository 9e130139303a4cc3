"""What a live source's code does wrong with an answer ends that source's pass, and no other's.

A platform may answer tomorrow with what nobody foresaw: the site is published all the same, with the source's last good
content. Files do not change by themselves: what goes wrong with those stops the run (``files``).
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from kbgen.errors import KbgenError, SourceError

_Item = TypeVar("_Item")


def isolated(items: Iterable[_Item]) -> Iterator[_Item]:
    """What a source yields.

    Raises:
        SourceError: its code failed in a way it does not explain.
        KbgenError: as the source raises it.
    """
    walk = iter(items)
    while True:
        try:
            item = next(walk)
        except StopIteration:
            return
        except KbgenError:
            raise
        except Exception as error:
            at = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(at.filename).name}:{at.lineno}"
            msg = f"its connector failed ({where}: {type(error).__name__}: {error}); report it, with a --record of it"
            raise SourceError(msg) from error
        yield item
