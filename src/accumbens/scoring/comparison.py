"""Models side by side on the same held-out trials, with intervals and paired differences."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

from ..errors import ConfigError
from ..models.base import Model
from ..summary import Summary, between, counted, summarized
from ..trials import Trials
from .bootstrap import Unit, percentile_interval, session_weights
from .metrics import (
    Predictions,
    SessionSums,
    by_subject,
    mean_log_likelihood,
    mean_squared_error,
    normalized_likelihood,
    pooled,
    predict,
    r_squared,
    session_sums,
)

if TYPE_CHECKING:
    import pandas as pd


class Estimate(NamedTuple):
    """A value on the scored trials and its bootstrap interval."""

    value: float
    low: float
    high: float


class SignalScore(NamedTuple):
    """mse in squared units of the signal; r2 against the mean of the scored trials."""

    mse: Estimate
    r2: Estimate


class SubjectScore(NamedTuple):
    """One subject's share: point values, for `n_choices` scored choices."""

    n_sessions: int
    n_choices: int
    normalized_likelihood: float
    mse: dict[str, float]
    r2: dict[str, float]


@summarized
@dataclasses.dataclass(frozen=True)
class Evaluation:
    """One model on one set of trials.

    normalized_likelihood: exp(mean log p of the choices made), pooled over all scored trials.
    signals: by column; empty where the model predicts no signal. subjects: by name.
    """

    normalized_likelihood: Estimate
    signals: dict[str, SignalScore]
    subjects: dict[str, SubjectScore]

    def _summary(self) -> Summary:
        n_choices = sum(score.n_choices for score in self.subjects.values())
        title = f"Evaluation on {counted(n_choices, 'choice')}"
        heads, cells = _heads(tuple(self.signals)), _cells(self, tuple(self.signals))
        return Summary(title, list(zip(heads, cells, strict=True)))

    def as_dict(self) -> dict:
        """Nested plain numbers: `choice.normalized_likelihood`, `signal.<column>.mse`, ..."""
        choice = self.normalized_likelihood
        return {
            "choice": {
                "normalized_likelihood": choice.value,
                "normalized_likelihood_interval": [choice.low, choice.high],
            },
            "signal": {
                column: {
                    "mse": score.mse.value,
                    "mse_interval": [score.mse.low, score.mse.high],
                    "r2": score.r2.value,
                    "r2_interval": [score.r2.low, score.r2.high],
                }
                for column, score in self.signals.items()
            },
            "subjects": {name: score._asdict() for name, score in self.subjects.items()},
        }


@dataclasses.dataclass(frozen=True)
class Difference:
    """A model less the reference model, on the same trials and the same resamples.

    log_likelihood: of the mean log p per scored choice, in nats; normalized_likelihood and mse: of
    these metrics. An interval that leaves out 0 tells the two models apart.
    """

    log_likelihood: Estimate
    normalized_likelihood: Estimate
    mse: dict[str, Estimate]


@summarized
@dataclasses.dataclass(frozen=True)
class Comparison:
    """Models by name, in the order given, and what each has over the reference model.

    unit, n_draws, level: how the bootstrap intervals were made. held_out: the trials are not those
    that the models were fitted to.
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
        rows = [[name, *_cells(one, self.signals)] for name, one in self.models.items()]
        notes = [f"Intervals: {self.level:.0%}, {self.n_draws:,} resamples, unit: {self.unit}."]
        if not self.held_out:
            notes.append("These sessions are those that the models were fitted to.")
        return Summary(title, table=[["model", *_heads(self.signals)], *rows], notes=notes)

    def to_frame(self) -> pd.DataFrame:
        """One row a model and metric: model, signal, metric, value, low, high.

        `signal` is empty for metrics of choice.
        """
        rows = []
        for name, evaluation in self.models.items():
            rows.append((name, "", "normalized_likelihood", *evaluation.normalized_likelihood))
            for column, score in evaluation.signals.items():
                rows.append((name, column, "mse", *score.mse))
                rows.append((name, column, "r2", *score.r2))
        return _frame(rows, ["model", "signal", "metric", "value", "low", "high"])

    def differences_to_frame(self) -> pd.DataFrame:
        """One row a model and metric, model less reference: as `to_frame`, with `reference`."""
        rows = []
        for name, difference in self.differences.items():
            start = (name, self.reference)
            rows.append((*start, "", "log_likelihood", *difference.log_likelihood))
            rows.append((*start, "", "normalized_likelihood", *difference.normalized_likelihood))
            rows += [(*start, column, "mse", *mse) for column, mse in difference.mse.items()]
        return _frame(rows, ["model", "reference", "signal", "metric", "value", "low", "high"])

    def subjects_to_frame(self) -> pd.DataFrame:
        """One row a model and subject, with a column for each signal's `mse_` and `r2_`."""
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


def evaluate(
    model: Model | Predictions,
    trials: Trials,
    *,
    rng: np.random.Generator,
    unit: Unit = "session",
    n_draws: int = 2000,
    level: float = 0.95,
) -> Evaluation:
    """The metrics of a model, or of plain predictions, on all of `trials`, with intervals.

    unit: what is resampled, see `accumbens.scoring.bootstrap`. n_draws: resamples. level: coverage.
    With a single session the ends of the intervals are NaN.
    Raises DataError when model and trials do not suit each other.

    Example:
        >>> import numpy as np
        >>> import accumbens
        >>> trials = accumbens.trials_from_arrays(np.ones((4, 10), int), np.ones((4, 10, 1)))
        >>> chance = accumbens.BiasOnly(bias=0.0)
        >>> accumbens.evaluate(chance, trials, rng=np.random.default_rng(0))
        Evaluation on 40 choices
          normalized likelihood  0.5 (0.5, 0.5)
    """
    weights = _weights(trials, n_draws, rng, unit)
    return _evaluate(_sums(model, trials), trials, weights, level)


def compare(
    models: Mapping[str, Model | Predictions],
    trials: Trials,
    *,
    rng: np.random.Generator,
    reference: str | None = None,
    unit: Unit = "session",
    n_draws: int = 2000,
    level: float = 0.95,
) -> Comparison:
    """Every model on the same trials and the same resamples.

    reference: the model from which the others are told apart; default the first.
    Other options and errors as for `evaluate`. Raises ConfigError when the reference is not among
    the models, or there are none.

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
          Intervals: 95%, 2,000 resamples, unit: session.
    """
    if not models:
        raise ConfigError("There is no model to compare: give at least one, by name.")
    reference = next(iter(models)) if reference is None else reference
    if reference not in models:
        raise ConfigError(f"The reference '{reference}' is not among the models {list(models)}.")
    weights = _weights(trials, n_draws, rng, unit)
    sums = {name: _sums(model, trials) for name, model in models.items()}
    return Comparison(
        models={name: _evaluate(s, trials, weights, level) for name, s in sums.items()},
        differences={
            name: _difference(s, sums[reference], trials, weights, level)
            for name, s in sums.items()
            if name != reference
        },
        reference=reference,
        signals=trials.names.signals,
        unit=unit,
        n_draws=n_draws,
        level=level,
    )


def _weights(
    trials: Trials, n_draws: int, rng: np.random.Generator, unit: Unit
) -> Float[np.ndarray, "draw session"]:
    """As `session_weights`; of a single session, not numbers, of which intervals are none."""
    if unit == "session" and trials.n_sessions == 1:
        return np.full((1, 1), np.nan)
    return session_weights(trials.subject, n_draws, rng, unit)


def _sums(model: Model | Predictions, trials: Trials) -> SessionSums:
    predictions = predict(model, trials) if isinstance(model, Model) else model
    return session_sums(predictions, trials)


def _estimates(metric: Callable, sums: list[SessionSums], weights, level) -> list[Estimate]:
    """`metric` of the pooled sums, and its interval over resamples; one for each signal or one."""
    value = np.atleast_1d(metric(*(pooled(s) for s in sums))[0])
    draws = metric(*(s.weigh(weights) for s in sums))
    low, high = percentile_interval(draws.reshape(len(weights), -1), level)
    return [
        Estimate(float(v), float(a), float(b)) for v, a, b in zip(value, low, high, strict=True)
    ]


def _evaluate(sums: SessionSums, trials: Trials, weights, level) -> Evaluation:
    (choice,) = _estimates(normalized_likelihood, [sums], weights, level)
    signals = {}
    if _predicts_signals(sums):
        mse = _estimates(mean_squared_error, [sums], weights, level)
        r2 = _estimates(r_squared, [sums], weights, level)
        scores = map(SignalScore, mse, r2)
        signals = dict(zip(trials.names.signals, scores, strict=True))
    return Evaluation(choice, signals, _subject_scores(sums, trials, tuple(signals)))


def _subject_scores(sums: SessionSums, trials: Trials, columns) -> dict[str, SubjectScore]:
    subjects, n_sessions = np.unique(trials.subject, return_counts=True)
    own = by_subject(sums, trials.subject)
    choice, mse, r2 = normalized_likelihood(own), mean_squared_error(own), r_squared(own)
    return {
        trials.names.subjects[subject]: SubjectScore(
            n_sessions=int(n_sessions[i]),
            n_choices=int(own.n_choices[i]),
            normalized_likelihood=float(choice[i]),
            mse={column: float(mse[i, j]) for j, column in enumerate(columns)},
            r2={column: float(r2[i, j]) for j, column in enumerate(columns)},
        )
        for i, subject in enumerate(subjects)
    }


def _difference(
    sums: SessionSums, reference: SessionSums, trials: Trials, weights, level
) -> Difference:
    def paired(metric):
        def less(ours, theirs):
            return metric(ours) - metric(theirs)

        return _estimates(less, [sums, reference], weights, level)

    signals = _predicts_signals(sums) and _predicts_signals(reference)
    columns = trials.names.signals if signals else ()
    mse = paired(mean_squared_error) if signals else []
    return Difference(
        log_likelihood=paired(mean_log_likelihood)[0],
        normalized_likelihood=paired(normalized_likelihood)[0],
        mse=dict(zip(columns, mse, strict=True)),
    )


def _predicts_signals(sums: SessionSums) -> bool:
    return sums.squared_error.shape[-1] > 0 and not np.isnan(sums.squared_error).any()


def _heads(signals: Sequence[str]) -> list[str]:
    """What is told of a model in a summary."""
    of_signals = (f"{signal} {metric}" for signal in signals for metric in ("MSE", "R2"))
    return ["normalized likelihood", *of_signals]


def _cells(evaluation: Evaluation, signals: Sequence[str]) -> list[str]:
    """The same of one model, with intervals."""
    scores = [evaluation.signals.get(signal) for signal in signals]
    of_signals = (between(*e) if e else "–" for s in scores for e in (s or (None, None)))
    return [between(*evaluation.normalized_likelihood), *of_signals]


def _frame(rows, columns):
    import pandas as pd

    return pd.DataFrame(rows, columns=columns)
