"""Figures 2 and 3 and Table 1 of Jain et al., Simultaneous modeling of behavior and dopamine with
disentangled RNNs, from the stored records of a fit."""

from __future__ import annotations

from functools import partial
from typing import Any

from ...errors import DataError
from ...figures.composed import Panel
from ...figures.fit.bottlenecks import bottlenecks_data, draw_bottlenecks
from ...figures.fit.choice_rule import choice_rule_data, draw_choice_rule
from ...figures.fit.signal_rule import draw_signal_rule, signal_rule_data
from ...figures.fit.table1 import Table1Data, draw_table1
from ...io.tables.format import TableFormat
from ...io.tables.trials import from_table
from ...run.fit.labels import labels_of
from ...scoring.evaluation import Estimate
from ...scoring.table1 import Column, TableOne
from ...summary import counted
from ...trials import Trials
from ..recorded import Recorded
from ..records import Records
from ..sections.fit_scores import signals_of, unit_words

MOST_BESIDE = 2
"""Open latents up to which the choice rule stands beside the bottlenecks, and not below."""


def dopamine_pages(records: Records) -> dict[str, list[list[Panel]]]:
    """Figures 2 and 3 of the disRNN of a fit, and Table 1 of all models, by file name.

    Raises:
        DataError: the run has no disRNN, or lacks predictions.parquet.
    """
    metrics = records.metrics
    table = {"table_1": [[Panel(table1_data(metrics), draw_table1)]]}
    if "disrnn" not in metrics["models"]:
        raise DataError(
            f"{records.path} has no disRNN, whose bottlenecks and rules these figures show; it has "
            f"{', '.join(metrics['models'])}. Fit one: --models disrnn ..."
        )
    model, trials = records.result.disrnn, fitted_trials(records)
    bottlenecks = Panel(bottlenecks_data(model), draw_bottlenecks)
    choice = choice_rule_data(model, trials)
    beside = 1 <= len(choice.latents) <= MOST_BESIDE
    rule = Panel(choice, partial(draw_choice_rule, stacked=beside))
    rows = [[bottlenecks, rule]] if beside else [[bottlenecks], [rule]]
    if model.signal_names:
        rows.append([Panel(signal_rule_data(model, trials), draw_signal_rule)])
    return {"figure_2": rows, "figure_3": [[bottlenecks]], **table}


def fitted_trials(records: Records) -> Trials:
    """The trials of a fit's fitted sessions, as it recorded them.

    Raises:
        DataError: the folder lacks predictions.parquet.
    """
    found = Recorded.of(records)
    if found.frame is None or not found.explorable:
        raise DataError(
            f"{records.path} lacks predictions.parquet, which holds the trials. Copy the whole "
            "folder, or fit again."
        )
    form = TableFormat(
        choice=found.choice, outcome=found.outcomes, signal=found.signals, subject=found.subject,
        session=found.session, trial=found.trial, instructed=found.instructed,
        choices=found.choices, labels_differ=True,
    )  # fmt: skip
    frame = found.frame
    return from_table(frame.loc[~frame["held_out"]], form)


def table1_data(metrics: dict[str, Any]) -> Table1Data:
    """Table 1 with the numbers of metrics.json."""
    models, data = metrics["models"], metrics["data"]
    label = labels_of(metrics)
    columns = [
        Column("choice NL", "", True,
               [_estimate(m["choice"], "normalized_likelihood") for m in models.values()])
    ]  # fmt: skip
    for signal in signals_of(metrics):
        scores = [m["signal"].get(signal) for m in models.values()]
        columns.append(Column("MSE", signal, False, [_estimate(s, "mse") for s in scores]))
        columns.append(Column("R2", signal, True, [_estimate(s, "r2") for s in scores]))
    held_out = data["sessions_held_out"]
    which = "Held-out sessions" if held_out else "Fitted sessions; none was held out"
    caption = (
        f"{which}: {counted(held_out or data['sessions'], 'session')} of "
        f"{counted(data['subjects'], 'subject')}. Normalized likelihood (NL) of choices, exp of "
        "the mean log probability; mean squared error (MSE) and R2 of each signal. In brackets: "
        f"95 % intervals {unit_words(metrics)}. Bold: the best of the column."
    )
    return Table1Data(TableOne(tuple(map(label, models)), tuple(columns), caption), caption)


def _estimate(score: dict[str, Any] | None, metric: str) -> Estimate | None:
    if score is None or score[metric] is None:
        return None
    low, high = score[f"{metric}_interval"]
    nan = float("nan")
    return Estimate(score[metric], nan if low is None else low, nan if high is None else high)
