"""The figures of a fit: all that there are numbers for, into one folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...credit.predictive.check import PredictiveCheck
from ...fit.disrnn.penalty_path import PenaltyPath
from ...models.disrnn import DisRNN
from ...scoring.comparison import Comparison
from ...trials import Trials
from ..labels import data_counts
from ..listed import ListedFigure, draw_listed
from .bottlenecks import bottlenecks_data, draw_bottlenecks
from .choice_rule import choice_rule_data, draw_choice_rule
from .comparison import comparison_data, comparison_table, draw_comparison
from .contrast import contrast_data, draw_contrast
from .example_session import draw_example_session, example_session_data
from .held_out_curves import draw_held_out_curves, held_out_curves_data
from .learning_curves import SeedHistory, draw_learning_curves, learning_curves_data
from .penalty_path import draw_penalty_path, penalty_path_data
from .predictive_check import draw_predictive_check, predictive_check_data
from .selection import draw_selection, selection_data
from .shrinkage import draw_shrinkage, shrinkage_data
from .signal_rule import draw_signal_rule, signal_rule_data
from .update_rule import draw_update_rule, update_rule_data

SIGNALS_PER_PAGE = 4
"""Signals drawn in one figure of signal rules; more get figures of their own."""


class FitResults(NamedTuple):
    """What figures of a fit are drawn from. trials: those that rules are drawn over; tested: those
    that models were compared on. model: the disRNN, if one was fitted."""

    model: DisRNN | None
    trials: Trials
    tested: Trials
    tested_words: str
    histories: Sequence[SeedHistory]
    comparison: Comparison | None
    path: PenaltyPath | None
    selection: Mapping[str, Any] | None
    groups: Mapping[str, Mapping[str, Any]]
    check: PredictiveCheck | None
    contrasts: Mapping[str, Mapping[str, Any]]


def _of_disrnn(data: Callable[[DisRNN, FitResults], Any]) -> Callable[[FitResults], list[Any]]:
    """The page of a figure that every disRNN has."""
    return lambda r: [] if r.model is None else [data(r.model, r)]


def _signal_rules(r: FitResults) -> list[Any]:
    if r.model is None:
        return []
    names = r.model.signal_names
    pages = [names[i : i + SIGNALS_PER_PAGE] for i in range(0, len(names), SIGNALS_PER_PAGE)]
    return [signal_rule_data(r.model, r.trials, page) for page in pages]


def _comparison(r: FitResults) -> list[Any]:
    if r.comparison is None:
        return []
    caption = f"{r.tested_words}: {data_counts(r.tested)}."
    return [comparison_data(comparison_table(r.comparison), caption)]


def _selection(r: FitResults) -> list[Any]:
    if r.selection is None:
        return []
    return [selection_data(r.selection, f"Data: {data_counts(r.trials)}.")]


def _held_out_curves(r: FitResults) -> list[Any]:
    if r.selection is None:
        return []
    return [held_out_curves_data(r.selection, f"Data: {data_counts(r.trials)}.")]


def _shrinkage(r: FitResults) -> list[Any]:
    caption = f"Data: {data_counts(r.trials)}."
    return [shrinkage_data(notes, label, caption) for label, notes in r.groups.items()]


def _contrasts(r: FitResults) -> list[Any]:
    return [contrast_data(c, label) for label, c in r.contrasts.items() if "parameters" in c]


def _penalty_path(r: FitResults) -> list[Any]:
    if r.path is None:
        return []
    likelihood = np.exp(r.path.log_likelihood)
    data = penalty_path_data(
        r.path.factors, likelihood, likelihood * r.path.standard_error, r.path.n_open, r.path.best,
        r.path.chosen, caption=f"Data: {data_counts(r.trials)}.",
    )  # fmt: skip
    return [data]


FIGURES: tuple[ListedFigure, ...] = (
    ListedFigure("bottlenecks", _of_disrnn(lambda m, _: bottlenecks_data(m)), draw_bottlenecks),
    ListedFigure(
        "choice_rule", _of_disrnn(lambda m, r: choice_rule_data(m, r.trials)), draw_choice_rule
    ),
    ListedFigure("signal_rule", _signal_rules, draw_signal_rule),
    ListedFigure(
        "update_rule", _of_disrnn(lambda m, r: update_rule_data(m, r.trials)), draw_update_rule
    ),
    ListedFigure(
        "example_session",
        _of_disrnn(lambda m, r: example_session_data(m, r.tested)),
        draw_example_session,
    ),
    ListedFigure(
        "learning_curves",
        lambda r: [learning_curves_data(r.histories)] if r.histories else [],
        draw_learning_curves,
    ),
    ListedFigure("held_out_curves", _held_out_curves, draw_held_out_curves),
    ListedFigure("comparison", _comparison, draw_comparison),
    ListedFigure("selection", _selection, draw_selection),
    ListedFigure("shrinkage", _shrinkage, draw_shrinkage),
    ListedFigure("contrast", _contrasts, draw_contrast),
    ListedFigure("penalty_path", _penalty_path, draw_penalty_path),
    ListedFigure(
        "predictive_check",
        lambda r: [] if r.check is None else [predictive_check_data(r.check, r.tested_words)],
        draw_predictive_check,
    ),
)
"""All figures of a fit, in the order in which they are drawn."""


def draw_all(
    model: DisRNN | None,
    trials: Trials,
    folder: str | os.PathLike[str],
    *,
    held_out: Trials | None = None,
    histories: Sequence[SeedHistory] = (),
    comparison: Comparison | None = None,
    path: PenaltyPath | None = None,
    selection: Mapping[str, Any] | None = None,
    groups: Mapping[str, Mapping[str, Any]] | None = None,
    check: PredictiveCheck | None = None,
    contrasts: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Path]:
    """Draws into `folder`; returns the PNG of each figure by name (beside it: PDF and CSV).

    model: the disRNN; None where none was fitted, which leaves out the figures of it.
    trials: those whose range the rules are drawn over, usually those that the model was fitted to.
    held_out: of which the example session is one, and on which the models were compared; `trials`
    unless given. histories: one seed's terms of the loss each.
    selection: how the model was chosen, as `metrics.json` records it. groups: what it records of
    each hierarchical fit, by what the fit is called.
    check: how models choose in the animals' sessions.
    contrasts: what it records of each contrast of a model, by what the model is called.
    Raises DataError when the model does not suit the trials.
    """
    tested, words = (trials, "Data") if held_out is None else (held_out, "Held-out data")
    results = FitResults(
        model,
        trials,
        tested,
        words,
        histories,
        comparison,
        path,
        selection,
        groups or {},
        check,
        contrasts or {},
    )
    return draw_listed(FIGURES, results, folder)
