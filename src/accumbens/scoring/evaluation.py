"""The metrics of one model on one set of trials, with Student's t intervals."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ..models.base import Model
from ..summary import Summary, between, counted, summarized
from ..trials import Trials, expect_trials
from .bootstrap import Resampling, Unit, check_rng, session_weights, unit_of
from .metrics import (
    Predictions,
    SessionSums,
    by_subject,
    mean_squared_error,
    normalized_likelihood,
    pooled,
    predict,
    r_squared,
    session_sums,
)


class Estimate(NamedTuple):
    """A metric on the scored trials, and the ends of its interval (see `scoring.bootstrap`)."""

    value: float
    low: float
    high: float


class SignalScore(NamedTuple):
    """How well one signal is predicted.

    Attributes:
        mse: mean squared error, in squared units of the signal.
        r2: share of the variance explained, against the mean of the scored trials.
    """

    mse: Estimate
    r2: Estimate


class SubjectScore(NamedTuple):
    """The metrics of one subject, without intervals.

    Attributes:
        n_sessions: sessions of the subject.
        n_choices: its scored choices.
        normalized_likelihood: exp(mean log p of these choices).
        mse: mean squared error of each signal, in its squared unit.
        r2: share of the variance of each signal explained.
    """

    n_sessions: int
    n_choices: int
    normalized_likelihood: float
    mse: dict[str, float]
    r2: dict[str, float]


@summarized
@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The metrics of one model on one set of trials.

    Attributes:
        normalized_likelihood: exp(mean log p of the choices made), pooled over all scored trials.
        signals: metrics of each signal by name; empty where the model predicts no signal.
        subjects: metrics of each subject by name.
    """

    normalized_likelihood: Estimate
    signals: dict[str, SignalScore]
    subjects: dict[str, SubjectScore]

    def _summary(self) -> Summary:
        n_choices = sum(score.n_choices for score in self.subjects.values())
        title = f"Evaluation on {counted(n_choices, 'choice')}"
        heads, cells = summary_heads(tuple(self.signals)), summary_cells(self, tuple(self.signals))
        return Summary(title, list(zip(heads, cells, strict=True)))

    def as_dict(self) -> dict:
        """The metrics as nested dictionaries of numbers, ready for JSON.

        Returns:
            `choice.normalized_likelihood`, `signal.<name>.mse`, `subjects.<name>.r2` and so on;
            intervals are lists of two numbers.
        """
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


def evaluate(
    model: Model | Predictions,
    trials: Trials,
    *,
    rng: np.random.Generator,
    unit: Unit | None = None,
    n_draws: int = 2000,
    level: float = 0.95,
) -> Evaluation:
    """The metrics of a model, or of predictions, on all trials, with intervals.

    Args:
        model: a model, or predictions of the trials.
        trials: to predict.
        rng: of the bootstrap.
        unit: what the bootstrap draws (see `accumbens.scoring.bootstrap`); by default subjects from
            three on, and sessions of these subjects before.
        n_draws: number of resamples.
        level: how often an interval holds the true value.

    Returns:
        The metrics. With a single session the ends of the intervals are NaN.

    Raises:
        ConfigError: an option of the bootstrap is impossible.
        DataError: the model cannot predict these trials, a prediction is not a finite number, or
            there is only one unit to draw from.

    Example:
        >>> import numpy as np
        >>> import accumbens
        >>> trials = accumbens.trials_from_arrays(np.ones((4, 10), int), np.ones((4, 10, 1)))
        >>> chance = accumbens.BiasOnly(bias=0.0)
        >>> accumbens.evaluate(chance, trials, rng=np.random.default_rng(0))
        Evaluation on 40 choices
          normalized likelihood  0.5 (0.5, 0.5)
    """
    drawn = resampling(trials, n_draws, rng, unit)
    return evaluation_of(sums_of(model, trials), trials, drawn, level)


def resampling(
    trials: Trials, n_draws: int, rng: np.random.Generator, unit: Unit | None
) -> Resampling:
    """Resamples of the sessions; of a single session they are NaN, and it has no intervals."""
    expect_trials(trials)
    check_rng(rng)
    unit = unit_of(trials.subject) if unit is None else unit
    if unit == "session" and trials.n_sessions == 1:
        return Resampling(np.full((2, 1), np.nan), trials.subject, unit)
    weights = session_weights(trials.subject, n_draws, rng, unit)
    return Resampling(weights, trials.subject, unit)


def sums_of(model: Model | Predictions, trials: Trials) -> SessionSums:
    predictions = model if isinstance(model, Predictions) else predict(model, trials)
    return session_sums(predictions, trials)


def estimates(
    metric: Callable, sums: list[SessionSums], counted: Float[np.ndarray, "session metric"],
    drawn: Resampling, level: float,
) -> list[Estimate]:  # fmt: skip
    """A metric of the pooled sums and its interval over resamples; one for each signal, or one.

    counted: trials of each session behind the metric.
    """
    value = np.atleast_1d(metric(*(pooled(s) for s in sums))[0])
    draws = metric(*(s.weigh(drawn.weights) for s in sums))
    low, high = drawn.interval(value, draws.reshape(len(draws), -1), counted, level)
    return [
        Estimate(float(v), float(a), float(b)) for v, a, b in zip(value, low, high, strict=True)
    ]


def evaluation_of(sums: SessionSums, trials: Trials, drawn: Resampling, level: float) -> Evaluation:
    n_choices = sums.n_choices[:, None]
    (choice,) = estimates(normalized_likelihood, [sums], n_choices, drawn, level)
    signals = {}
    if predicts_signals(sums):
        mse = estimates(mean_squared_error, [sums], sums.n_signal, drawn, level)
        r2 = estimates(r_squared, [sums], sums.n_signal, drawn, level)
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


def predicts_signals(sums: SessionSums) -> bool:
    """Whether there is a prediction of every signal."""
    return sums.squared_error.shape[-1] > 0 and not np.isnan(sums.squared_error).any()


def summary_heads(signals: Sequence[str]) -> list[str]:
    """Names of the metrics in a summary."""
    of_signals = (f"{signal} {metric}" for signal in signals for metric in ("MSE", "R2"))
    return ["normalized likelihood", *of_signals]


def summary_cells(evaluation: Evaluation, signals: Sequence[str]) -> list[str]:
    """The metrics of one model in a summary, with intervals."""
    scores = [evaluation.signals.get(signal) for signal in signals]
    of_signals = (between(*e) if e else "–" for s in scores for e in (s or (None, None)))
    return [between(*evaluation.normalized_likelihood), *of_signals]
