"""How well predictions agree with data: normalized likelihood, mean squared error, R2.

All metrics are functions of a few sums per session (`SessionSums`). The pooled value, the value of
each subject and any number of bootstrap resamples then come from one matrix product of weights and
sums.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ..errors import DataError
from ..models.base import Model
from ..summary import Summary, sizes, summarized
from ..trials import Trials
from ..unrolling import unroll


@summarized
class Predictions(NamedTuple):
    """Predictions of each trial, given the trials before it; padding may hold anything.

    Attributes:
        choice_logits: log-odds of each choice, up to a constant.
        signals: predicted signals in their own unit; no column for a model of choices alone.
    """

    choice_logits: Float[np.ndarray, "session trial choice"]
    signals: Float[np.ndarray, "session trial signal"]

    def _summary(self) -> Summary | None:
        facts = [
            ("choice_logits", sizes(self.choice_logits, "session", "trial", "choice")),
            ("signals", sizes(self.signals, "session", "trial", "signal")),
        ]
        return Summary("Predictions of a model for every trial", facts)

    def choices_at_chance(self) -> Predictions:
        """The same predictions of signals, with all choices equally likely.

        For a model that was fitted to the signal alone and does not predict choices.
        """
        return self._replace(choice_logits=np.zeros_like(self.choice_logits))


def predict(model: Model, trials: Trials) -> Predictions:
    """The predictions of a model for all trials.

    Raises:
        DataError: the model has another number of choices than the trials, or fewer subjects.
    """
    unrolled = unroll(model, trials)
    return Predictions(np.asarray(unrolled.choice_logits), np.asarray(unrolled.signals))


class SessionSums(NamedTuple):
    """Sums over the scored trials of each session, from which all metrics follow.

    Attributes:
        log_likelihood: sum of log p of the choices made, in nats.
        n_choices: number of scored choices.
        squared_error: sum of (predicted - measured)^2; NaN where no signal is predicted.
        n_signal: number of scored trials with a measured signal.
        signal: sum of the measured signal less its mean over all sessions. (The shift changes no
            metric, and keeps the sums accurate.)
        signal_squared: sum of squares of the same.
    """

    log_likelihood: Float[np.ndarray, "*session"]
    n_choices: Float[np.ndarray, "*session"]
    squared_error: Float[np.ndarray, "*session signal"]
    n_signal: Float[np.ndarray, "*session signal"]
    signal: Float[np.ndarray, "*session signal"]
    signal_squared: Float[np.ndarray, "*session signal"]

    def weigh(self, weights: Float[np.ndarray, "row session"]) -> SessionSums:
        """The weighted sums of sessions.

        Args:
            weights: one row for each resample, or for each subject; a weight for each session.
        """
        return SessionSums(*(weights @ sums for sums in self))


def session_sums(predictions: Predictions, trials: Trials) -> SessionSums:
    """The sums of each session.

    Raises:
        DataError: predictions and trials differ in shape, or a scored choice or a measured signal
            has no finite prediction.
    """
    _check(predictions, trials)
    scored = trials.scored
    made = np.where(scored, trials.choice, 0)[..., None]
    logits = np.where(scored[..., None], predictions.choice_logits, 0.0).astype(np.float64)
    logits -= logits.max(axis=-1, keepdims=True)
    log_p = np.take_along_axis(logits, made, -1)[..., 0] - np.log(np.exp(logits).sum(-1))
    measured = trials.signal_scored
    count = np.maximum(measured.sum((0, 1)), 1)
    centre = np.where(measured, trials.signal, 0.0).sum((0, 1)) / count
    signal = np.where(measured, trials.signal - centre, 0.0)
    if predictions.signals.shape[-1]:
        error = np.where(measured, predictions.signals - trials.signal, 0.0)
    else:
        error = np.full(trials.signal.shape, np.nan)
    return SessionSums(
        log_likelihood=np.where(scored, log_p, 0.0).sum(1),
        n_choices=scored.sum(1).astype(np.float64),
        squared_error=(error**2).sum(1),
        n_signal=measured.sum(1).astype(np.float64),
        signal=signal.sum(1),
        signal_squared=(signal**2).sum(1),
    )


def pooled(sums: SessionSums) -> SessionSums:
    """The sums of all sessions, as one row."""
    return sums.weigh(np.ones((1, sums.n_choices.shape[0])))


def by_subject(sums: SessionSums, subject: Int[np.ndarray, " session"]) -> SessionSums:
    """The sums of each subject that has a session: one row each, in the order of their numbers.

    Args:
        sums: of each session.
        subject: number of the subject of each session.
    """
    return sums.weigh((np.unique(subject)[:, None] == subject).astype(np.float64))


def mean_log_likelihood(sums: SessionSums) -> Float[np.ndarray, "*session"]:
    """Mean log p of the choices made, in nats per scored trial; NaN where no trial is scored."""
    return _ratio(sums.log_likelihood, sums.n_choices)


def normalized_likelihood(sums: SessionSums) -> Float[np.ndarray, "*session"]:
    """Normalized likelihood, exp(mean log p of the choices made); 1 / n_choices at chance."""
    return np.exp(mean_log_likelihood(sums))


def mean_squared_error(sums: SessionSums) -> Float[np.ndarray, "*session signal"]:
    """Mean of (predicted - measured)^2 over scored trials with a signal, in its squared unit."""
    return _ratio(sums.squared_error, sums.n_signal)


def r_squared(sums: SessionSums) -> Float[np.ndarray, "*session signal"]:
    """R2 = 1 - squared error / squared deviation from the mean of the same trials.

    The mean is that of the trials in the sums: for one subject, of its own trials. NaN where the
    signal does not vary.
    """
    mean = _ratio(sums.signal, sums.n_signal)
    deviation = sums.signal_squared - sums.signal * mean
    return 1.0 - _ratio(sums.squared_error, deviation)


def _ratio(numerator, denominator):
    positive = denominator > 0
    return np.where(positive, numerator, np.nan) / np.where(positive, denominator, 1.0)


def _check(predictions: Predictions, trials: Trials) -> None:
    expected = (*trials.choice.shape, trials.n_choices)
    if predictions.choice_logits.shape != expected:
        raise DataError(
            f"choice_logits have the shape {predictions.choice_logits.shape}, but these trials "
            f"need {expected} (session, trial, choice)."
        )
    n_signals = predictions.signals.shape[-1]
    if predictions.signals.shape[:2] != expected[:2] or n_signals not in (
        0,
        len(trials.names.signals),
    ):
        raise DataError(
            f"Predicted signals have the shape {predictions.signals.shape}, but these trials have "
            f"the shape {expected[:2]} and the signals {trials.names.signals}. Predict all of "
            "them, or select those that are predicted (select_signals)."
        )
    without = trials.scored & ~np.isfinite(predictions.choice_logits).all(-1)
    if n_signals:
        without |= (trials.signal_scored & ~np.isfinite(predictions.signals)).any(-1)
    if without.any():
        session, trial = np.argwhere(without)[0]
        raise DataError(
            f"The predictions of {without.sum()} scored trials are not finite numbers, first of "
            f"trial {trials.number[session, trial]} of session {trials.session_labels[session]}. "
            "The model has diverged, or the predictions are incomplete."
        )
