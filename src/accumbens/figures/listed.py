"""Lists of figures: a new one is its file, and an entry in the list of its folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from .save import save_figure


class ListedFigure(NamedTuple):
    """A figure of a list.

    name: of its files.
    pages: the numbers of each page, from the results that the list is about: none where the results
    do not have them, one as a rule.
    draw: inks the numbers of one page.
    """

    name: str
    pages: Callable[[Any], Sequence[Any]]
    draw: Callable[[Any, Figure], None]


def draw_listed(
    figures: Iterable[ListedFigure], results: Any, folder: str | os.PathLike[str]
) -> dict[str, Path]:
    """Draws every figure that `results` have the numbers for into `folder`.

    Returns the PNG of each page by name: that of the figure, then `<name>_2`, `<name>_3`, ...
    """
    drawn: dict[str, Path] = {}
    for figure in figures:
        for page, data in enumerate(figure.pages(results), start=1):
            name = figure.name if page == 1 else f"{figure.name}_{page}"
            fig = Figure()
            figure.draw(data, fig)
            drawn[name] = save_figure(fig, Path(folder) / name, data)
    return drawn
