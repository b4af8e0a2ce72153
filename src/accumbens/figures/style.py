"""One look for all figures: journal column sizes, and colours and lines with fixed meanings.

Colours are those of Okabe & Ito (2008), which colour-blind readers can tell apart. Choices have
colours, outcomes have lines (rewarded solid, unrewarded dashed), models and latents have colours
that choices do not use.
"""

from __future__ import annotations

import functools
import itertools
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure, FigureBase

from ..models import catalogue
from .labels import printed

COLUMN_MM, PAGE_MM = 88.0, 180.0
"""Widths of one journal column and of a page."""

BLACK, GREY, PALE = "#000000", "#8A8A8A", "#D9D9D9"
BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
ORANGE, PURPLE, SKY = "#E69F00", "#CC79A7", "#56B4E9"

CHOICE_COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, SKY, "#B8A600")
"""Colours of the first choice (left), the second (right), and further ones."""

OUTCOME_LINES: tuple[Any, ...] = (
    "-", (0, (4, 1.6)), (0, (1, 1.3)), (0, (6, 1.3, 1, 1.3)), (0, (9, 2)), (0, (3, 1, 1, 1, 1, 1)),
)  # fmt: skip
"""Lines of the largest outcome (rewarded), the next (unrewarded), and further ones."""

LATENT_COLOURS = (PURPLE, "#44338F", "#8C510A", "#7A7A00", BLACK, GREY)
"""Colours of the latents z_1, z_2, and further ones, of which no choice has one."""

MEASURED, PREDICTED = GREY, BLACK

OPENNESS: Colormap = LinearSegmentedColormap.from_list(
    "openness", ["#08306B", "#6BAED6", "#F7FBFF"]
)
"""Colours of bottlenecks, from open (0, dark) to closed (1, light)."""

LOG_ODDS: Colormap = LinearSegmentedColormap.from_list("log_odds", [BLUE, "#FFFFFF", VERMILLION])
"""Colours of log-odds, from that of the first choice to that of the second."""

_SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture on every machine
    "font.size": 7.0,
    "axes.labelsize": 7.0,
    "axes.titlesize": 7.5,
    "axes.titlepad": 4.0,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "legend.handlelength": 2.4,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelpad": 2.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.width": 0.4,
    "xtick.minor.size": 1.5,
    "ytick.minor.width": 0.4,
    "ytick.minor.size": 1.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "hatch.linewidth": 0.4,
    "figure.dpi": 100,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,  # letters stay letters
    "path.simplify": True,
    "axes.unicode_minus": True,
}


class ModelLook(NamedTuple):
    """How a model is drawn. filled: markers are hollow for what was fitted to a signal alone."""

    colour: str
    marker: str
    filled: bool = True


def model_looks(names: Sequence[str]) -> dict[str, ModelLook]:
    """The look of each model or fit: that of the catalogue; others get what these do not use."""
    looks = {}
    for entry in catalogue.CATALOGUE:
        looks[entry.name] = ModelLook(entry.colour, entry.marker)
    for name, fit in catalogue.named_fits().items():
        looks[name] = ModelLook(fit.model.colour, fit.model.marker, fit.target != "signal")
    taken = {look[:2] for name, look in looks.items() if name in names}
    spare = itertools.cycle(
        ModelLook(colour, marker)
        for marker, colour in itertools.product("DvP^", (ORANGE, SKY, GREEN, PURPLE, BLACK))
        if (colour, marker) not in taken
    )
    return {name: looks[name] if name in looks else next(spare) for name in names}


@contextmanager
def figure_style() -> Iterator[None]:
    """The settings of all figures, for as long as the context lasts."""
    with matplotlib.rc_context(_SETTINGS):
        yield


def styled(draw: Callable[..., None]) -> Callable[..., None]:
    """The same function, drawing in `style`."""

    @functools.wraps(draw)
    def inside(*args: Any, **kwargs: Any) -> None:
        with figure_style():
            draw(*args, **kwargs)

    return inside


@contextmanager
def without_captions() -> Iterator[None]:
    """Figures drawn while the context lasts have no small text below, for a journal's own caption.

    Example:
        >>> from accumbens.figures import without_captions
        >>> with without_captions():
        ...     pass  # draw_all(run.disrnn, trials, folder)
    """
    before = _captions.set(False)
    try:
        yield
    finally:
        _captions.reset(before)


_captions: ContextVar[bool] = ContextVar("captions", default=True)


@contextmanager
def in_panel(letter: int) -> Iterator[list[str]]:
    """Figures drawn while the context lasts are panels of a page, which prints their captions.

    letter: number of the first letter, 0 for a. Yields what the captions say.
    """
    said: list[str] = []
    before = _panel.set((letter, said))
    try:
        yield said
    finally:
        _panel.reset(before)


_panel: ContextVar[tuple[int, list[str]] | None] = ContextVar("panel", default=None)


def panel_letter(number: int) -> str:
    """The letter of a panel, by its number within the figure: a, b, ...; of a figure that is itself
    a panel of a page, those that the page gives it."""
    page = _panel.get()
    return chr(ord("a") + (number + (page[0] if page else 0)) % 26)


def lay_out(
    fig: FigureBase, width_mm: float | int, height_mm: float | int, caption: str = ""
) -> None:
    """Gives an empty figure its size, a layout without overlaps, and small text below."""
    page = _panel.get()
    if page is not None:
        page[1].append(caption.strip())
        caption = ""
    if not isinstance(fig, Figure):  # a part of a page, which has these already
        return
    fig.set_size_inches(width_mm / 25.4, height_mm / 25.4)
    fig.set_layout_engine("constrained", w_pad=0.04, h_pad=0.04, wspace=0.02, hspace=0.03)
    caption = caption.strip()
    if caption and _captions.get():
        lines = textwrap.fill(printed(caption), int(width_mm / 1.12), break_on_hyphens=False)
        fig.supxlabel(lines, x=0.01, ha="left", multialignment="left", fontsize=6, color="#444444")


def grid_shape(n_panels: int, per_row: int) -> tuple[int, int]:
    """Rows and columns for `n_panels` panels, at most `per_row` in a row."""
    columns = max(1, min(n_panels, per_row))
    return max(1, -(-n_panels // columns)), columns


def panels(fig: FigureBase, n: int, per_row: int, **shared: Any) -> list[Axes]:
    """`n` panels, at most `per_row` in a row, from left to right, then down; no empty ones."""
    rows, columns = grid_shape(n, per_row)
    axes = list(fig.subplots(rows, columns, squeeze=False, **shared).flat)
    for spare in axes[n:]:
        spare.remove()
    return axes[:n]


def draw_share(
    ax: Axes, value: Float[np.ndarray, " point"], share: Float[np.ndarray, " point"]
) -> None:
    """How often the data visit each value: a grey histogram along the foot of the panel."""
    height = 0.16 * share / max(float(share.max()), 1e-12)
    ax.fill_between(
        value, height, step="mid", color=PALE, linewidth=0, zorder=0,
        transform=ax.get_xaxis_transform(),
    )  # fmt: skip


def share_heights(axes: list[Axes]) -> None:
    """Gives panels the same vertical range, that of all their lines."""
    limits = np.array([ax.get_ylim() for ax in axes])
    for ax in axes:
        ax.set_ylim(limits[:, 0].min(), limits[:, 1].max())


def panel_width(columns: int) -> float:
    """Width of a figure with so many panels side by side, in mm."""
    return {1: 75.0, 2: 125.0}.get(columns, PAGE_MM)


def draw_colour_bar(
    fig: FigureBase, mesh: QuadMesh, axes: list[Axes], label: str, shrink: float = 1.0
) -> Colorbar:
    """A thin colour bar to the right of the panels, from their top down."""
    bar = fig.colorbar(
        mesh, ax=axes, aspect=18 * min(1.0, 1.5 * shrink), pad=0.03, shrink=shrink, anchor=(0, 1)
    )
    bar.set_label(label)
    bar.outline.set(linewidth=0.4)  # pyright: ignore[reportCallIssue]
    return bar


def draw_note(fig: FigureBase, text: str) -> None:
    """A figure that says in words why there is nothing to draw."""
    ax = fig.subplots()
    ax.axis("off")
    ax.text(
        0.5, 0.5, textwrap.fill(printed(text), 44), ha="center", va="center", transform=ax.transAxes
    )
