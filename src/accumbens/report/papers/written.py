"""Writing the figures of a paper, from a result's folder to PDF, PNG and CSV files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pandas as pd
from matplotlib.figure import Figure

from ...errors import ConfigError
from ...figures.composed import Panel, compose
from ...figures.journals import page_of
from ...figures.save import save_figure
from ...files import make_folder, write_atomically
from ...scoring.table1 import latex_of
from ..records import Records
from .credit import credit_pages
from .dopamine import dopamine_pages

Paper = Literal["dopamine", "credit"]

PAPERS: dict[str, tuple[tuple[str, ...], Callable[[Records], dict[str, list[list[Panel]]]]]] = {
    "dopamine": (("fit",), dopamine_pages),
    "credit": (("credit", "selectivity"), credit_pages),
}
"""Each paper: the kinds of result that have figures of it, and what makes them."""


def write_paper_figures(
    path: str | os.PathLike[str],
    paper: Paper | None = None,
    out: str | os.PathLike[str] | None = None,
    *,
    journal: str = "nature",
    captions: bool = True,
    replace: bool = False,
) -> dict[str, Path]:
    """Writes the figures of a paper with a result's own data: one page each.

    Of a fit: Figures 2 and 3 and Table 1 of Jain et al., Simultaneous modeling of behavior and
    dopamine with disentangled RNNs. Of an analysis of credit: Figures 1c and 2 of Miller et al.,
    Structured credit assignment in mice, with both agents simulated in the animals' task; of one of
    selectivity: Figure 3.

    Args:
        path: folder of the result.
        paper: `dopamine` or `credit`; by default the one that the result has figures of.
        out: folder for the files; by default figures/<paper> in the result's folder.
        journal: whose width of a page the figures have, one of `JOURNALS`.
        captions: whether the captions are printed below the figures; captions.md has them anyway.
        replace: whether files of these names may be replaced.

    Returns:
        The PNG of each page by name; beside it are a PDF, whose letters stay letters, and the
        numbers of each panel as CSV. Table 1 is there in LaTeX too.

    Raises:
        ConfigError: the result has no figures of that paper, the journal is not known, or there are
            such files.
        DataError: there is no result, or it lacks what the figures need.

    Example:
        >>> from accumbens.report import write_paper_figures  # doctest: +SKIP
        >>> write_paper_figures("runs/mice", journal="cell")  # doctest: +SKIP
    """
    size = page_of(journal)
    records = Records(Path(path))
    name = paper or next((p for p, (kinds, _) in PAPERS.items() if records.kind in kinds), None)
    if name is None or name not in PAPERS or records.kind not in PAPERS[name][0]:
        has = "; ".join(f"{p}: of {' or '.join(kinds)}" for p, (kinds, _) in PAPERS.items())
        raise ConfigError(
            f"{records.path} holds a result of the kind {records.kind}, which has no figures of "
            f"{'any paper' if name is None else f'the paper {name!r}'}. Papers and their results: "
            f"{has}."
        )
    folder = Path(out) if out is not None else records.path / "figures" / name
    pages = PAPERS[name][1](records)
    taken = [stem for stem in pages if (folder / f"{stem}.pdf").exists()]
    if taken and not replace:
        raise ConfigError(
            f"{folder} has {', '.join(f'{stem}.pdf' for stem in taken)} already. Choose another "
            "folder (--out), or replace them (--replace)."
        )
    make_folder(folder, "folder of figures")
    written, said = {}, {}
    for stem, rows in pages.items():
        fig = Figure()
        said[stem] = compose(rows, fig, size, captions=captions)
        written[stem] = save_figure(fig, folder / stem, _numbers(rows))
        for panel in (panel for row in rows for panel in row):
            whole = getattr(panel.data, "whole", None)
            if whole is not None:
                write_atomically(folder / f"{stem}.tex", latex_of(whole).encode())
    text = "\n\n".join(f"## {_titled(stem)}\n\n{caption}" for stem, caption in said.items())
    write_atomically(folder / "captions.md", f"{text}\n".encode())
    return written


def _titled(stem: str) -> str:
    """`figure_1c` as "Figure 1c"."""
    what, _, number = stem.partition("_")
    return f"{what.capitalize()} {number}"


def _numbers(rows: list[list[Panel]]) -> pd.DataFrame:
    """The numbers of all panels in one table; with several, the first column says of which."""
    tables = []
    for panel in (panel for row in rows for panel in row):
        table = panel.data if isinstance(panel.data, pd.DataFrame) else panel.data.table()
        tables.append((panel, table))
    if len(tables) == 1:
        return tables[0][1]
    parts, letter = [], 0
    for panel, table in tables:
        names = [chr(ord("a") + letter + i) for i in range(panel.letters)]
        own = table.rename(columns={"panel": "axis"})
        own.insert(0, "panel", "-".join(dict.fromkeys((names[0], names[-1]))))
        parts.append(own)
        letter += panel.letters
    return pd.concat(parts, ignore_index=True)
