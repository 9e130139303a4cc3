"""Tables of user content: rows and cells to a table whose rows are equally long and whose spans do not overlap.

Reading cells is the business of ``sanitise``; here they are finished HTML.
"""

from __future__ import annotations

from msgspec import Struct

_WIDEST = 100


class Cell(Struct, frozen=True):
    """One cell.

    Attributes:
        head: a header cell (``th``, or any cell of a ``thead``) with text in it; an empty one names nothing.
    """

    html: str
    head: bool = False
    colspan: int = 1
    rowspan: int = 1


Rows = list[list[Cell]]


def span(value: str | None) -> int:
    """Read ``colspan`` or ``rowspan``; nonsense is 1."""
    sane = value is not None and len(value) <= 3 and value.isascii() and value.isdigit() and 1 <= int(value) <= _WIDEST
    return int(value or 1) if sane else 1


def is_layout(head: Rows, body: Rows) -> bool:
    """Tell whether the table only places text.

    That is: a single column, a single row without a head, or rows so uneven that filling them up would make most
    of the table.
    """
    rows = [*head, *body]
    widest = max(map(len, rows), default=0)
    uneven = widest > _WIDEST or widest * len(rows) > 8 * sum(map(len, rows)) + 64
    return widest <= 1 or uneven or (not head and len(body) == 1 and not any(cell.head for cell in body[0]))


def render_table(caption: str, head: Rows, body: Rows) -> str:
    """Give the table in the wrapper that scrolls it on narrow screens.

    ``role=group`` and not ``region``: two landmarks of one name on a page are an accessibility fault.
    """
    sections = [section for section in (head, body) if section]
    width = _width(sections)
    if width == 0:
        sections = [[[Cell(cell.html, cell.head) for cell in row] for row in section] for section in sections]
        width = max(len(row) for section in sections for row in section)
    parts = ['<div class="kb-table" tabindex="0" role="group" aria-label="Table"><table>']
    if caption:
        parts.append(f"<caption>{caption}</caption>")
    spanned = any(cell.colspan > 1 or cell.rowspan > 1 for section in sections for row in section for cell in row)
    for section in sections:
        name = "thead" if section is sections[0] and head else "tbody"
        parts.append(f"<{name}>")
        for row in section:
            padding = [] if spanned else [Cell("")] * (width - len(row))
            parts.append(f"<tr>{''.join(_cell(cell, name) for cell in (*row, *padding))}</tr>")
        parts.append(f"</{name}>")
    return "".join([*parts, "</table></div>"])


def _cell(cell: Cell, section: str) -> str:
    spans = f' colspan="{cell.colspan}"' if cell.colspan > 1 else ""
    spans += f' rowspan="{cell.rowspan}"' if cell.rowspan > 1 else ""
    if not cell.head:
        return f"<td{spans}>{cell.html}</td>"
    scope = "col" if section == "thead" else "row"
    return f'<th scope="{scope}"{spans}>{cell.html}</th>'


def _width(sections: list[Rows]) -> int:
    """Give the number of columns when all spans fit exactly (HTML, 4.9.12 "Processing model"), else 0."""
    widths: set[int] = set()
    starts: set[int] = set()
    for section in sections:
        taken: set[tuple[int, int]] = set()
        for y, row in enumerate(section):
            x = 0
            for cell in row:
                while (x, y) in taken:
                    x += 1
                area = {(x + dx, y + dy) for dx in range(cell.colspan) for dy in range(cell.rowspan)}
                if area & taken or y + cell.rowspan > len(section) or x + cell.colspan > _WIDEST:
                    return 0
                taken |= area
                starts.add(x)
                x += cell.colspan
            while (x, y) in taken:
                x += 1
            widths.add(x)
    width = max(widths, default=0)
    return width if len(widths) == 1 and starts == set(range(width)) else 0
