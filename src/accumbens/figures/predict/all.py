"""The figures of predictions of new sessions: all that there are numbers for, into one folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ..listed import ListedFigure, draw_listed
from .sessions_seen import draw_sessions_seen, sessions_seen_data


class PredictResults(NamedTuple):
    """What figures of predictions are drawn from.

    Attributes:
        sessions_seen: scores by the number of sessions that describe new subjects; None without.
        counts: how much data there is, in words.
    """

    sessions_seen: pd.DataFrame | None
    counts: str


FIGURES: tuple[ListedFigure, ...] = (
    ListedFigure(
        "sessions_seen",
        lambda r: (
            [] if r.sessions_seen is None else [sessions_seen_data(r.sessions_seen, r.counts)]
        ),
        draw_sessions_seen,
    ),
)
"""All figures of predictions, in the order in which they are drawn."""


def draw_predict_figures(
    sessions_seen: pd.DataFrame | None, folder: str | os.PathLike[str], counts: str = ""
) -> dict[str, Path]:
    """Draws into `folder`; returns the PNG of each figure by name (beside it: PDF and CSV).

    Args:
        sessions_seen: table for `sessions_seen_data`; None where no subject is new.
        folder: is made.
        counts: how much data there is, in words.
    """
    return draw_listed(FIGURES, PredictResults(sessions_seen, counts), folder)
