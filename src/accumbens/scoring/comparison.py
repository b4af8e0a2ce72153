"""Models side by side on the same held-out trials, with intervals and paired differences."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ConfigError, expect
from ..models.base import Model
from ..summary import Summary, counted, summarized
from ..trials import Trials
from .bootstrap import Resampling, Unit
from .evaluation import (
    Estimate,
    Evaluation,
    estimates,
    evaluation_of,
    predicts_signals,
    resampling,
    summary_cells,
    summary_heads,
    sums_of,
)
from .intervals import CONFIDENCE
from .metrics import (
    Predictions,
    SessionSums,
    mean_log_likelihood,
    mean_squared_error,
    normalized_likelihood,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True)
class Difference:
    """The metrics of a model minus those of the reference model, on the same resamples.

    An interval that excludes 0 tells these two fits apart: on further sessions of these subjects,
    or on subjects like these, as its unit says. Other fits of the same models may differ.

    Attributes:
        log_likelihood: difference of the mean log p per scored choice, in nats.
        normalized_likelihood: difference of the normalized likelihoods.
        mse: difference of the mean squared errors of each signal, in its squared unit.
    """

    log_likelihood: Estimate
    normalized_likelihood: Estimate
    mse: dict[str, Estimate]


@summarized
@dataclasses.dataclass(frozen=True)
class Comparison:
    """The metrics of several models, and their differences from a reference model.

    Attributes:
        models: metrics of each model by name, in the order given.
        differences: of each model but the reference, by name.
        reference: name of the reference model.
        signals: names of the signals of the trials.
        unit: what the bootstrap draws (see `accumbens.scoring.bootstrap`).
        n_draws: resamples behind each interval.
        level: how often an interval holds the true value.
        held_out: whether the models were fitted to other trials.
    """

    models: dict[str, Evaluation]
    differences: dict[str, Difference]
    reference: str
    signals: tuple[str, ...]
    unit: Unit
    n_draws: int
    level: float
    held_out: bool = True

    def _summary(self) -> Summary:
        title = f"Comparison of {counted(len(self.models), 'model')}"
        rows = [[name, *summary_cells(one, self.signals)] for name, one in self.models.items()]
        notes = [f"Intervals: {self.level:.0%}, Student's t, unit: {self.unit}."]
        if not self.held_out:
            notes.append("These sessions are those that the models were fitted to.")
        return Summary(title, table=[["model", *summary_heads(self.signals)], *rows], notes=notes)

    def to_frame(self) -> pd.DataFrame:
        """One row a model and metric.

        Returns:
            A table with columns model, signal ("" for metrics of choices), metric, value, low,
            high.
        """
        rows = []
        for name, evaluation in self.models.items():
            rows.append((name, "", "normalized_likelihood", *evaluation.normalized_likelihood))
            for column, score in evaluation.signals.items():
                rows.append((name, column, "mse", *score.mse))
                rows.append((name, column, "r2", *score.r2))
        return _frame(rows, ["model", "signal", "metric", "value", "low", "high"])

    def differences_to_frame(self) -> pd.DataFrame:
        """One row a model and metric: the model minus the reference.

        Returns:
            A table with columns model, reference, signal, metric, value, low, high.
        """
        rows = []
        for name, difference in self.differences.items():
            start = (name, self.reference)
            rows.append((*start, "", "log_likelihood", *difference.log_likelihood))
            rows.append((*start, "", "normalized_likelihood", *difference.normalized_likelihood))
            rows += [(*start, column, "mse", *mse) for column, mse in difference.mse.items()]
        return _frame(rows, ["model", "reference", "signal", "metric", "value", "low", "high"])

    def subjects_to_frame(self) -> pd.DataFrame:
        """One row a model and subject.

        Returns:
            A table with columns model, subject, n_sessions, n_choices, normalized_likelihood, and
            `mse_<signal>` and `r2_<signal>` for each signal.
        """
        rows = []
        for name, evaluation in self.models.items():
            for subject, score in evaluation.subjects.items():
                row = {"model": name, "subject": subject, "n_sessions": score.n_sessions}
                row |= {"n_choices": score.n_choices}
                row |= {"normalized_likelihood": score.normalized_likelihood}
                row |= {f"mse_{column}": value for column, value in score.mse.items()}
                row |= {f"r2_{column}": value for column, value in score.r2.items()}
                rows.append(row)
        return _frame(rows, None)


def compare(
    models: Mapping[str, Model | Predictions],
    trials: Trials,
    *,
    rng: np.random.Generator,
    reference: str | None = None,
    unit: Unit | None = None,
    n_draws: int = 2000,
    level: float = 0.95,
) -> Comparison:
    """The metrics of several models on the same trials and the same resamples.

    Args:
        models: models, or predictions of the trials, by name.
        trials, rng, unit, n_draws, level: as in `evaluate`.
        reference: name of the model that the others are compared with; the first by default.

    Raises:
        ConfigError: there is no model, or the reference is not among the models.
        DataError: as in `evaluate`.

    Example:
        >>> import numpy as np
        >>> import accumbens
        >>> trials = accumbens.trials_from_arrays(np.ones((4, 10), int), np.ones((4, 10, 1)))
        >>> models = {"biased": accumbens.BiasOnly(2.0), "chance": accumbens.BiasOnly(0.0)}
        >>> accumbens.compare(models, trials, rng=np.random.default_rng(0))
        Comparison of 2 models
          model   normalized likelihood
          biased  0.8808 (0.8808, 0.8808)
          chance  0.5 (0.5, 0.5)
          Intervals: 95%, Student's t, unit: session within subject.
    """
    expect(models, Mapping, "models", "Give models by name, such as {'q': model}.")
    if not models:
        raise ConfigError("There is no model to compare. Give at least one, by name.")
    reference = next(iter(models)) if reference is None else reference
    if reference not in models:
        raise ConfigError(f"The reference {reference!r} is not among the models {list(models)}.")
    drawn = resampling(trials, n_draws, rng, unit)
    sums = {name: sums_of(model, trials) for name, model in models.items()}
    return comparison_of(sums, trials, drawn, reference=reference, level=level)


def comparison_of(
    sums: Mapping[str, SessionSums], trials: Trials, drawn: Resampling, *, reference: str,
    level: float = CONFIDENCE,
) -> Comparison:  # fmt: skip
    """The same from the sums of each session.

    Args:
        sums: of each model, by name; sessions in the order of the trials.
        trials: that were scored.
        drawn: resamples of their sessions.
        reference: name of the model that the others are compared with.
        level: how often an interval holds the true value.
    """
    return Comparison(
        models={name: evaluation_of(s, trials, drawn, level) for name, s in sums.items()},
        differences={
            name: _difference(s, sums[reference], trials, drawn, level)
            for name, s in sums.items()
            if name != reference
        },
        reference=reference,
        signals=trials.names.signals,
        unit=drawn.unit,
        n_draws=len(drawn.weights),
        level=level,
    )


def _difference(
    sums: SessionSums, reference: SessionSums, trials: Trials, drawn: Resampling, level: float
) -> Difference:
    def paired(metric, counted):
        def less(ours, theirs):
            return metric(ours) - metric(theirs)

        return estimates(less, [sums, reference], counted, drawn, level)

    signals = predicts_signals(sums) and predicts_signals(reference)
    columns = trials.names.signals if signals else ()
    mse = paired(mean_squared_error, sums.n_signal) if signals else []
    n_choices = sums.n_choices[:, None]
    return Difference(
        log_likelihood=paired(mean_log_likelihood, n_choices)[0],
        normalized_likelihood=paired(normalized_likelihood, n_choices)[0],
        mse=dict(zip(columns, mse, strict=True)),
    )


def _frame(rows, columns):
    import pandas as pd

    return pd.DataFrame(rows, columns=columns)
