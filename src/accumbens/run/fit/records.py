"""What a run leaves behind beside its metrics: Table 1, predictions, history, figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jaxtyping import Bool

from ...credit.predictive.check import PredictiveCheck
from ...errors import DataError
from ...files import write_atomically
from ...fit.disrnn.penalty_path import PenaltyPath
from ...io.tables.trials import to_table, write_table
from ...models.base import Model
from ...scoring.comparison import Comparison
from ...scoring.scored import scored_trials_hash, which_trials
from ...scoring.splits import Split, apply_split
from ...scoring.table1 import Label, table1_csv, table1_latex, table1_markdown
from ...scoring.verdict import Judgement
from ...trials import Trials
from ...unrolling import unroll
from .folder import RunFolder
from .models import Fitted

if TYPE_CHECKING:
    import pandas as pd


def write_table1(
    folder: RunFolder, comparison: Comparison, judgement: Judgement, scored: Trials, label: Label
) -> None:
    """table1.csv, .md and .tex, with what they say in words below, alarms first, and which trials
    were scored. label: what each model is called."""
    n_scored = int(scored.scored.sum())
    said = (*judgement.sentences, which_trials(n_scored, scored_trials_hash(scored)))
    for suffix, text in (
        ("csv", table1_csv(comparison, judgement.notes())),
        ("md", table1_markdown(comparison, label, said)),
        ("tex", table1_latex(comparison, label, said)),
    ):
        write_atomically(folder.path / f"table1.{suffix}", text.encode())


def write_predictions(
    folder: RunFolder, trials: Trials, split: Split, fits: dict[str, Fitted]
) -> None:
    """One row a trial: see `prediction_table`."""
    held_out = np.isin(np.array(trials.session_labels), split.test) & split.holds_out
    said = {name: (fit.model, fit.predicts_choices) for name, fit in fits.items()}
    write_table(prediction_table(trials, held_out, said), folder.predictions)


HELD_OUT = "held_out"
"""Column of the table of predictions: whether the trial's session was held out."""


def check_columns(trials: Trials, models: Iterable[str]) -> None:
    """Checks that no column of the trials has a name that predictions need.

    Args:
        trials: that are predicted.
        models: names of the models.

    Raises:
        DataError: names the column, and says how to name it.
    """
    names, own = trials.names, tuple(f"{model}." for model in models)
    for column in (*names.outcomes, *names.signals, *names.contexts):
        if column == HELD_OUT or column.startswith(own):
            what = "which sessions were held out" if column == HELD_OUT else "what a model predicts"
            raise DataError(
                f"The column {column} cannot keep its name: in the table of predictions it says "
                f"{what}. Rename it."
            )


def prediction_table(
    trials: Trials, held_out: Bool[np.ndarray, " session"], models: dict[str, tuple[Model, bool]]
) -> pd.DataFrame:
    """One row a trial: the table's own columns, `held_out`, then each model's, as `<model>.<name>`.

    `p_<choice>`: probability of that choice before it was made; `<signal>`: predicted signal;
    latent variables by name. Missed trials have no predicted signal (NaN). A signal called as one
    of the probabilities, or a latent as one of both, is `<model>.signal.<signal>` and
    `<model>.latent.<name>`.
    models: each model by name, and whether it says anything of choices.

    Raises DataError as `check_columns`.
    """
    check_columns(trials, models)
    table = to_table(trials)
    rows = trials.in_session
    table[HELD_OUT] = np.broadcast_to(held_out[:, None], rows.shape)[rows]
    for name, (model, predicts_choices) in models.items():
        said = unroll(model, trials)
        if predicts_choices:
            p = np.asarray(jax.nn.softmax(said.choice_logits, axis=-1))
            for i, code in enumerate(trials.names.choices):
                table[f"{name}.p_{code}"] = p[:, :, i][rows]
        if model.n_signals:
            signals = np.where(trials.valid[:, :, None], said.signals, np.nan)
            for i, signal in enumerate(trials.names.signals):
                table[_free(table, name, "signal", signal)] = signals[:, :, i][rows]
        for latent, values in said.latents.items():
            table[_free(table, name, "latent", latent)] = values[rows]
    return table


def _free(table: pd.DataFrame, model: str, what: str, name: str) -> str:
    """The column of something that a model says; the long name where the short one is taken."""
    short = f"{model}.{name}"
    return short if short not in table.columns else f"{model}.{what}.{name}"


def write_contrasts(folder: RunFolder, found: Mapping[str, Any]) -> None:
    """contrast.csv: one row a model and parameter, with how many animals and sessions there are.

    found: as metrics.json has it under `contrast`.
    """
    import pandas as pd

    rows = []
    for name, each in found["models"].items():
        for parameter, estimate in each.get("parameters", {}).items():
            row = {"model": name, "parameter": parameter}
            row |= dict(zip(("reference_level", "other_level"), each["levels"], strict=True))
            row["design"] = each["design"]
            for level, which in zip(each["levels"], ("reference", "other"), strict=True):
                row |= {f"{what}_{which}": n for what, n in each["counts"][level].items()}
            row |= estimate
            for test in (each["animals"], each["sessions"]):
                if test is not None:
                    row[f"p_{test['unit']}"] = test["p"][parameter]
                    row[f"p_{test['unit']}_family"] = test["p_family"][parameter]
                    row[f"smallest_p_{test['unit']}"] = test["smallest_p"]
            rows.append(row)
    if rows:
        write_table(pd.DataFrame(rows), folder.path / "contrast.csv")


def write_history(folder: RunFolder, fits: dict[str, Fitted]) -> None:
    """One row a term and step: model, seed, stage, step (from 1), term, value."""
    import pandas as pd

    parts = [
        pd.DataFrame(
            {
                "model": name, "seed": seed, "stage": stage,
                "step": np.arange(1, len(values) + 1), "term": term, "value": values,
            }
        )
        for name, fit in fits.items()
        for seed, history in fit.histories.items()
        for stage, terms in history.items()
        for term, values in terms.items()
    ]  # fmt: skip
    columns = ["model", "seed", "stage", "step", "term", "value"]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    write_table(table, folder.history)


def draw_figures(
    folder: RunFolder, trials: Trials, split: Split, fits: dict[str, Fitted],
    comparison: Comparison, path: PenaltyPath | None, label: Label,
    check: PredictiveCheck | None, contrasts: Mapping[str, Any],
) -> dict[str, Path]:  # fmt: skip
    """Every figure that the run has the numbers for, as PNG, PDF and CSV; PNGs by name."""
    from ...figures.fit.all import draw_all

    train, test = apply_split(split, trials)
    fit = fits.get("disrnn")
    model: Any = None if fit is None else fit.model
    return draw_all(
        model, train, folder.figures, held_out=test if split.holds_out else None,
        histories=[] if fit is None else list(fit.histories.values()),
        comparison=comparison, path=path,
        selection=None if fit is None else fit.notes.get("selection"),
        groups={label(n): f.notes for n, f in fits.items() if "group" in f.notes},
        check=check,
        contrasts=contrasts,
    )  # fmt: skip
