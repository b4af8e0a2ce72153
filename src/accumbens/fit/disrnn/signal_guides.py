"""The cognitive model of the signals towards which signal networks may be shrunk.

It is DFQ fitted to the signals alone, or the mean after each outcome, whichever predicts better
what folds of the trials hold out. With a thousand trials their few parameters are known well, where
a network follows the noise.
"""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, PRNGKeyArray

from ...errors import DataError, DivergedError
from ...models.dfq import DFQ
from ...models.naive import Naive
from ...models.signal_units import SignalUnits
from ...trials import Trials
from ...unrolling import unroll
from ..likelihood.maximum_likelihood import fit_datasets

N_STARTS = 4


class SignalGuide(NamedTuple):
    """What the guide says of each signal.

    said: in the unit of each signal, by the fit without each fold, then by the fit to all trials.
    error: mean squared error of what folds hold out, in units of each signal's variance, averaged
    over signals, of every guide that suits the trials.
    """

    name: str
    said: list[Float[np.ndarray, "session trial signal"]]
    error: dict[str, float]


def best_signal_guide(
    trials: Trials, folds: list[Bool[np.ndarray, "session trial"]], *, key: PRNGKeyArray
) -> SignalGuide:
    """Each guide fitted without each fold and to all, and the best on the folds.

    folds: the trials that each fold holds out. key: draws the starts.
    """
    kept = [*(~fold for fold in folds), np.ones(trials.choice.shape, bool)]
    datasets = [
        trials.with_signals(np.where(seen[..., None], trials.signal, np.nan), trials.names.signals)
        for seen in kept
    ]
    said = {"naive": [_after_outcome(data, trials) for data in datasets]}
    with contextlib.suppress(DataError, DivergedError):  # not made for these outcomes
        fits = fit_datasets(
            DFQ, datasets, target="signal", key=key, n_starts=N_STARTS, intervals="curvature"
        )
        said["dfq"] = [np.asarray(unroll(fit.model, trials).signals) for fit in fits]
    error = {name: _error(each, trials, folds) for name, each in said.items()}
    best = min(error, key=error.__getitem__)
    return SignalGuide(best, said[best], error)


def _after_outcome(data: Trials, trials: Trials) -> Float[np.ndarray, "session trial signal"]:
    """The mean of the signal in `data` after each outcome, along `trials`; where there are too many
    outcomes, or none of them is measured, the mean of all."""
    try:
        model = Naive.from_trials(data)
    except DataError:
        units = SignalUnits.of(data)
        return np.broadcast_to(np.asarray(units.mean), trials.signal.shape)
    return np.asarray(unroll(model, trials).signals)


def _error(
    said: list[Float[np.ndarray, "session trial signal"]], trials: Trials,
    folds: list[Bool[np.ndarray, "session trial"]],
) -> float:  # fmt: skip
    units = SignalUnits.of(trials)
    total = np.zeros(trials.signal.shape[-1])
    for fold, of_fold in zip(folds, said, strict=False):
        counted = fold[..., None] & trials.signal_scored
        squared = ((trials.signal - of_fold) / np.asarray(units.scale)) ** 2
        total += np.where(counted, squared, 0.0).sum((0, 1))
    return float((total / np.maximum(trials.signal_scored.sum((0, 1)), 1)).mean())


def soft_signals(
    signal: Float[np.ndarray, "sample signal"], said: Float[np.ndarray, "sample signal"],
    share: float,
) -> Float[np.ndarray, "sample signal"]:  # fmt: skip
    """(1 - share) signal + share said, in the unit of each signal.

    The squared error against it is smallest where the network is that far between the signal and
    the guide, as if the guide had measured part of the trials.
    """
    return (1 - share) * signal + share * said
