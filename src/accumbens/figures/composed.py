"""Several figures on one page, with letters, as a paper prints them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from matplotlib.figure import Figure, FigureBase

from .journals import PageSize
from .labels import printed
from .style import figure_style, in_panel, panel_letter

CAPTION_LINE_MM = 2.75
"""Height of a line of the caption below a page."""

LETTER_MM = 3.5
"""Height that a panel's letter takes."""

STRETCHED_FROM = 0.65
"""A row of panels that fills less of the width than this keeps its own size."""


class Panel(NamedTuple):
    """A figure that is a part of a page.

    Attributes:
        data: its numbers.
        draw: inks them.
        letters: how many letters it has; more than one where the figure letters its own axes.
    """

    data: Any
    draw: Callable[[Any, FigureBase], None]
    letters: int = 1


def compose(
    rows: Sequence[Sequence[Panel]], fig: Figure, size: PageSize, *, captions: bool = True
) -> str:
    """Draws panels as one page of a journal's width, each row as high as its highest panel.

    Args:
        rows: of panels, from above and from the left.
        fig: an empty figure, which is given the size of the page.
        size: of the journal.
        captions: whether the caption is printed below.

    Returns:
        The caption: what each panel's says, by its letter.
    """
    placed, words = [], []
    alone = sum(panel.letters for row in rows for panel in row) == 1
    letter = 0
    for row in rows:
        for panel in row:
            width, height, said = _measured(panel, letter)
            name = "" if alone else _letters(letter, panel.letters)
            words += [f"({name}) {said}" if name else said] if said else []
            placed.append((letter, width, height + LETTER_MM * (bool(name) and panel.letters == 1)))
            letter += panel.letters
    caption = " ".join(words)
    wide = size.page
    if len(placed) == 1 and placed[0][1] < STRETCHED_FROM * wide:
        wide = max(placed[0][1], min(size.column, wide))
    lines = textwrap.wrap(printed(caption), int(wide / 1.16), break_on_hyphens=False)
    room = CAPTION_LINE_MM * len(lines) + 3 if captions and lines else 0.0
    numbers = iter(placed)
    of_rows = [[next(numbers) for _ in row] for row in rows]
    heights = _fitted([max(h for _, _, h in row) for row in of_rows], size.height - room)
    with figure_style():
        fig.set_size_inches(wide / 25.4, (sum(heights) + room) / 25.4)
        fig.set_layout_engine("constrained", w_pad=0.04, h_pad=0.04)
        grid = fig.add_gridspec(
            len(rows) + bool(room), 1, height_ratios=[*heights, *[room] * bool(room)]
        )
        for i, (row, sizes) in enumerate(zip(rows, of_rows, strict=True)):
            widths = [width for _, width, _ in sizes]
            spare = wide - sum(widths)
            kept = [spare] if sum(widths) < STRETCHED_FROM * wide else []
            parts = grid[i].subgridspec(1, len(row) + len(kept), width_ratios=widths + kept)
            for j, (panel, (first, _, _)) in enumerate(zip(row, sizes, strict=True)):
                part = fig.add_subfigure(parts[j])
                with in_panel(first):
                    panel.draw(panel.data, part)
                if not alone and panel.letters == 1:
                    part.suptitle(
                        _letters(first, 1), x=0.005, ha="left", fontsize=9, fontweight="bold"
                    )
        if room:
            below = fig.add_subfigure(grid[len(rows)])
            below.text(0.01, 0.98, "\n".join(lines), va="top", fontsize=6, color="#444444")
    return caption


def _measured(panel: Panel, letter: int) -> tuple[float, float, str]:
    """Width and height in mm that a figure gives itself, and its caption."""
    fig = Figure()
    with in_panel(letter) as said:
        panel.draw(panel.data, fig)
    width, height = fig.get_size_inches()
    return width * 25.4, height * 25.4, " ".join(said)


def _letters(first: int, n: int) -> str:
    """ "b"; "a-c" of a panel with three."""
    names = [panel_letter(first + i) for i in range(n)]
    return names[0] if n == 1 else f"{names[0]}\N{EN DASH}{names[-1]}"


def _fitted(heights: list[float], most: float) -> list[float]:
    """Heights of rows, drawn together where they do not fit on the page."""
    share = min(1.0, most / sum(heights))
    return [height * share for height in heights]
