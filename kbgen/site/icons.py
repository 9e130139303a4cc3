"""Icons: drawn where a page has many different ones, named where every page has the same few.

A drawing is a quarter of a kilobyte, and a thread's page has six. So those are masks in the style sheet, and a page
says which. Not here: which icon stands for what.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from markupsafe import Markup

_NAMESPACE = ' xmlns="http://www.w3.org/2000/svg"'
_MASKS = (
    "material/brightness-6",
    "material/check-circle",
    "material/file-document-outline",
    "material/forum-outline",
    "material/lifebuoy",
    "material/magnify",
    "material/reply",
    "material/shield-check",
    "material/thumb-up-outline",
)


def icon_svg(name: str) -> str | None:
    """The SVG of one of Material's icons (``material/lightbulb-outline``), None when there is none."""
    spec = find_spec("material")
    if spec is None or not spec.submodule_search_locations or ".." in name:
        return None
    file = Path(spec.submodule_search_locations[0]) / "templates" / ".icons" / f"{name}.svg"
    return file.read_text(encoding="utf-8").strip() if file.is_file() else None


@lru_cache(maxsize=256)
def icon(name: str, fallback: str = "") -> Markup:
    """One of Material's icons, hidden from screen readers; "" when there is none of either name.

    Args:
        name: such as ``material/reply``.
        fallback: taken when there is none of that name.
    """
    if name in _MASKS:
        return Markup(f'<i class="kb-i kb-i--{_word(name)}"></i>')  # noqa: S704 - a name of ours
    svg = icon_svg(name) or (icon_svg(fallback) if fallback else None)
    # Inside HTML the namespace goes without saying (HTML, section 13.2.6.1).
    drawn = svg.replace(_NAMESPACE, "", 1).replace("<svg ", '<svg aria-hidden="true" ', 1) if svg else ""
    return Markup(drawn)  # noqa: S704 - of an installed package


def masks() -> str:
    """The style sheet's rules for the icons that pages only name."""
    drawn = ((name, icon_svg(name)) for name in _MASKS)
    return "".join(
        f".kb-i--{_word(name)} {{ --kb-i: url('data:image/svg+xml,{_quoted(svg)}'); }}\n" for name, svg in drawn if svg
    )


def _word(name: str) -> str:
    return name.rpartition("/")[2]


def _quoted(svg: str) -> str:
    return svg.replace("%", "%25").replace("#", "%23").replace("'", "%27").replace("\n", " ")
