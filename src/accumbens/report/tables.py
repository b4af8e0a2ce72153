"""Tables and figures of a page, each with its numbers behind a button."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from typing import Any

from ..summary import interval_text
from .markup import Content, Markup, Shown, joined, named, tag
from .payload import Payload

MISSING = "–"


def table(
    payload: Payload, name: str, heads: Sequence[str], rows: Iterable[Sequence[Any]],
    caption: str, *, numbers: str | None = None,
) -> Markup:  # fmt: skip
    """A table with a caption, and a button for its numbers.

    Args:
        payload: is given the numbers.
        name: of the CSV.
        heads: of the columns.
        rows: of cells: text, which is set apart as a name, numbers and markup.
        caption: what it is, of how many, with which unit.
        numbers: the CSV, where it says more than the cells do.
    """
    cells = [list(row) for row in rows]
    text = numbers if numbers is not None else csv_text(heads, cells)
    head = tag("thead", tag("tr", (tag("th", _of_head(h), scope="col") for h in heads)))
    body = tag("tbody", (tag("tr", _row(row)) for row in cells))
    return tag(
        "figure",
        tag("figcaption", caption, " ", button(payload, name, text)),
        tag("div", tag("table", head, body), class_="scroll", tabindex="0", role="region",
            aria_label=f"Table: {caption}"),
        class_="table", id=f"table-{name}",
    )  # fmt: skip


def figure(
    payload: Payload, name: str, caption: str, numbers: str, *, picture: str | None = None
) -> Markup:
    """A figure that a script draws from its numbers.

    Args:
        payload: is given the numbers.
        name: of the figure; the script knows how to draw it.
        caption: what it shows, of how many.
        numbers: its CSV.
        picture: shown instead where no script draws it: a PNG in base64.
    """
    image = None
    if picture is not None:
        image = tag("img", src=f"data:image/png;base64,{picture}", alt=caption)
    return tag(
        "figure",
        tag("div", image, class_="plot", data_draw=name, data_alt=caption),
        tag("figcaption", caption, " ", button(payload, name, numbers)),
        class_="drawn", id=f"figure-{name}",
    )  # fmt: skip


def button(payload: Payload, name: str, numbers: str) -> Markup:
    """The button that saves the numbers as a CSV file."""
    payload.csv(name, numbers)
    return tag("button", "Numbers (CSV)", type="button", class_="csv", data_csv=name,
               aria_label=f"Save the numbers of {name} as CSV")  # fmt: skip


def facts(pairs: Iterable[tuple[str, Content]]) -> Markup:
    """A list of what is what."""
    return tag("dl", (joined(tag("dt", what), tag("dd", said)) for what, said in pairs))


def warnings(texts: Iterable[str], *, class_: str = "warning") -> Markup:
    """Sentences that a reader must see; nothing where there are none."""
    found = list(dict.fromkeys(texts))
    if not found:
        return Markup()
    return tag("ul", (tag("li", text) for text in found), class_=class_)


def of_frame(payload: Payload, name: str, frame: Any, caption: str, *, digits: int = 3) -> Markup:
    """A table of a DataFrame; numbers with so many digits, and all digits in the CSV."""
    rows = [[shown(value, digits) if _is_number(value) else str(value) for value in row]
            for row in frame.itertuples(index=False)]  # fmt: skip
    text = frame.to_csv(index=False, lineterminator="\n")
    return table(payload, name, [str(c).replace("_", " ") for c in frame], rows, caption,
                 numbers=text)  # fmt: skip


def shown(value: Any, digits: int = 4) -> Markup:
    """A number as it is printed; a dash where there is none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return Shown.of(MISSING, "")
    if isinstance(value, bool):
        return Markup("yes" if value else "no")
    text = f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}"
    return Shown.of(text, str(value))


def interval(value: Any, low: Any, high: Any, spec: str = ".4f") -> Markup:
    """A value, and its interval in brackets where it is known."""
    if value is None:
        return Shown.of(MISSING, "")
    plain = interval_text(value, low, high, spec="")
    return Shown.of(interval_text(value, low, high, spec=spec), plain)


def csv_text(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV of cells: numbers with all their digits, and nothing where there is none."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([cell.plain if isinstance(cell, Shown) else cell for cell in r] for r in rows)
    return buffer.getvalue()


def _is_number(value: Any) -> bool:
    import numpy as np

    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _of_head(text: str) -> Content:
    return text if isinstance(text, Markup) else named(text)


def _row(row: Sequence[Any]) -> list[Markup]:
    first, *rest = row
    return [tag("th", _cell(first), scope="row"), *(tag("td", _cell(cell)) for cell in rest)]


def _cell(cell: Any) -> Content:
    if isinstance(cell, Markup):
        return cell
    return shown(cell) if _is_number(cell) or cell is None else named(cell)
