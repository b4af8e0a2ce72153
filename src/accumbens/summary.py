"""What a user sees of an object in a prompt or a notebook: a few lines instead of all its arrays.

A class says in `_summary` what is worth seeing; `summarized` makes both forms of it, the text of
`repr` and the HTML of notebooks.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

MAX_NAMES = 6
MAX_ROWS = 12

T = TypeVar("T")


class Summary(NamedTuple):
    """A title; facts, each a name and what there is to say; a table, its heads first; notes."""

    title: str
    facts: Sequence[tuple[str, str]] = ()
    table: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()

    def text(self) -> str:
        """Lines of plain text, facts and table in columns."""
        columns = [*_aligned(self.facts), *_aligned(self._rows())]
        return "\n".join([self.title, *(f"  {line}" for line in [*columns, *self.notes])])

    def html(self) -> str:
        """The same for notebooks. Names come from users' files, so everything is escaped."""
        parts = [f"<strong>{html.escape(self.title)}</strong>"]
        if self.facts:
            parts.append(_html_table([], self.facts))
        if self.table:
            parts.append(_html_table(self.table[0], self._rows()[1:]))
        parts += [f"<div>{html.escape(note)}</div>" for note in self.notes]
        return f"<div>{''.join(parts)}</div>"

    def _rows(self) -> list[Sequence[str]]:
        """The table, of which rows beyond `MAX_ROWS` are only counted."""
        left_out = len(self.table) - 1 - MAX_ROWS
        if left_out <= 0:
            return list(self.table)
        blank = [""] * (len(self.table[0]) - 1)
        return [*self.table[: MAX_ROWS + 1], [f"and {left_out} more", *blank]]


def summarized(kind: type[T]) -> type[T]:
    """The class with `repr` and the notebook's HTML made from its method `_summary`.

    Where that returns None, as for an object whose arrays are being traced by JAX, the class's own
    `repr` is kept.
    """
    own_repr: Any = kind.__repr__

    def __repr__(self: Any) -> str:
        summary = self._summary()
        return own_repr(self) if summary is None else summary.text()

    def _repr_html_(self: Any) -> str | None:
        summary = self._summary()
        return None if summary is None else summary.html()

    kind.__repr__ = __repr__
    kind._repr_html_ = _repr_html_  # pyright: ignore[reportAttributeAccessIssue]
    return kind


def number(value: Any) -> str:
    """A number with four digits; a few of them by commas; the shape of more."""
    array = np.asarray(value)
    if array.size > MAX_NAMES:
        return f"{' x '.join(map(str, array.shape))} numbers"
    return ", ".join(f"{x:.4g}" for x in array.ravel()) or "none"


def between(value: Any, low: Any, high: Any) -> str:
    """A value and its interval, which is left out where it is not known."""
    if value is None or np.isnan(value):
        return "–"
    known = low is not None and high is not None and not np.isnan([low, high]).any()
    return f"{value:.4g} ({low:.4g}, {high:.4g})" if known else f"{value:.4g}"


def interval_text(
    value: float | None, low: float | None, high: float | None, spec: str = ".4f"
) -> str:
    """`0.6123 [0.6012, 0.6234]`, without the interval where there is none."""
    if value is None:
        return "–"
    known = "" if low is None or high is None else f" [{low:{spec}}, {high:{spec}}]"
    return f"{value:{spec}}{known}"


def counted(n: int, thing: str) -> str:
    """`1 session`, `2,400 sessions`."""
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


def sizes(array: Any, *axes: str) -> str:
    """`8 sessions x 60 trials x 2 choices`; sizes alone where the axes are others."""
    shape = np.shape(array)
    if len(shape) != len(axes):
        return " x ".join(map(str, shape))
    return " x ".join(counted(n, axis) for n, axis in zip(shape, axes, strict=True))


def listed(names: Sequence[Any]) -> str:
    """Names by commas; those beyond `MAX_NAMES` are only counted."""
    shown = ", ".join(map(str, names[:MAX_NAMES]))
    left_out = len(names) - MAX_NAMES
    return f"{shown} and {left_out} more" if left_out > 0 else shown or "none"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    padded = ([cell.ljust(w) for cell, w in zip(row, widths, strict=True)] for row in rows)
    return ["  ".join(row).rstrip() for row in padded]


def _html_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(_cell(cell, tag) for cell in cells)}</tr>"

    head = f"<thead>{line(heads, 'th')}</thead>" if heads else ""
    return f"<table>{head}<tbody>{''.join(line(row, 'td') for row in rows)}</tbody></table>"


def _cell(text: str, tag: str) -> str:
    return f'<{tag} style="text-align:left">{html.escape(text)}</{tag}>'
