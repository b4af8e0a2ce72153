"""The figures of many fits: all that there are numbers for, into one folder."""

from __future__ import annotations

import os
from pathlib import Path

from ...mechanisms.mechanism import Consensus
from ..listed import ListedFigure, draw_listed
from .mechanism_diagrams import draw_mechanism_diagrams, mechanism_diagrams_data

FIGURES: tuple[ListedFigure, ...] = (
    ListedFigure(
        "mechanism_diagrams", lambda c: [mechanism_diagrams_data(c)], draw_mechanism_diagrams
    ),
)
"""All figures of many fits, in the order in which they are drawn."""


def draw_mechanism_figures(consensus: Consensus, folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Draws into `folder`; returns the PNG of each figure by name (beside it: PDF and CSV).

    Args:
        consensus: what fits agree on.
        folder: is made.
    """
    return draw_listed(FIGURES, consensus, folder)
