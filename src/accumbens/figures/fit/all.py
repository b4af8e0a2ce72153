"""Every figure of a fitted disRNN that there are numbers for, into one folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ...fit.disrnn.penalty_path import PenaltyPath
from ...models.disrnn import DisRNN
from ...scoring.comparison import Comparison
from ...trials import Trials
from ..labels import data_counts
from ..save import save_figure
from .bottlenecks import bottlenecks_data, draw_bottlenecks
from .choice_rule import choice_rule_data, draw_choice_rule
from .comparison import comparison_data, comparison_table, draw_comparison
from .example_session import draw_example_session, example_session_data
from .learning_curves import SeedHistory, draw_learning_curves, learning_curves_data
from .penalty_path import draw_penalty_path, penalty_path_data
from .selection import draw_selection, selection_data
from .signal_rule import draw_signal_rule, signal_rule_data
from .update_rule import draw_update_rule, update_rule_data

SIGNALS_PER_PAGE = 4
"""Signals drawn in one figure of signal rules; more get figures of their own."""


def draw_all(
    model: DisRNN,
    trials: Trials,
    folder: str | os.PathLike[str],
    *,
    held_out: Trials | None = None,
    histories: Sequence[SeedHistory] = (),
    comparison: Comparison | None = None,
    path: PenaltyPath | None = None,
    selection: Mapping[str, Any] | None = None,
) -> dict[str, Path]:
    """Draws into `folder`; returns the PNG of each figure by name (beside it: PDF and CSV).

    trials: those whose range the rules are drawn over, usually those that the model was fitted to.
    held_out: of which the example session is one, and on which the models were compared; `trials`
    unless given. histories: one seed's terms of the loss each.
    selection: how the model was chosen, as `metrics.json` records it.
    Raises DataError when the model does not suit the trials.
    """
    tested = trials if held_out is None else held_out
    drawn: dict[str, Path] = {}

    def draw(name: str, data: Any, ink: Callable[[Any, Figure], None]) -> None:
        fig = Figure()
        ink(data, fig)
        drawn[name] = save_figure(fig, Path(folder) / name, data)

    draw("bottlenecks", bottlenecks_data(model), draw_bottlenecks)
    draw("choice_rule", choice_rule_data(model, trials), draw_choice_rule)
    for page, start in enumerate(range(0, model.n_signals, SIGNALS_PER_PAGE), start=1):
        some = model.signal_names[start : start + SIGNALS_PER_PAGE]
        name = "signal_rule" if page == 1 else f"signal_rule_{page}"
        draw(name, signal_rule_data(model, trials, some), draw_signal_rule)
    draw("update_rule", update_rule_data(model, trials), draw_update_rule)
    draw("example_session", example_session_data(model, tested), draw_example_session)
    if histories:
        draw("learning_curves", learning_curves_data(histories), draw_learning_curves)
    if comparison is not None:
        caption = f"{'Held-out data' if held_out is not None else 'Data'}: {data_counts(tested)}."
        table = comparison_table(comparison)
        draw("comparison", comparison_data(table, caption), draw_comparison)
    if selection is not None:
        caption = f"Data: {data_counts(trials)}."
        draw("selection", selection_data(selection, caption), draw_selection)
    if path is not None:
        likelihood = np.exp(path.log_likelihood)
        data = penalty_path_data(
            path.factors, likelihood, likelihood * path.standard_error, path.n_open, path.best,
            path.chosen, caption=f"Data: {data_counts(trials)}.",
        )  # fmt: skip
        draw("penalty_path", data, draw_penalty_path)
    return drawn
