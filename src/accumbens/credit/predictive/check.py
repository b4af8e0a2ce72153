"""Posterior predictive checks: do fitted models, put into the animals' task, choose as they do?"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Array, Float, Key

from ...errors import ConfigError, DataError
from ...models.base import Model
from ...summary import Summary, counted, summarized
from ...threefry import key_of
from ...trials import Trials
from ..calibration.check import believe_schedule
from ..schedule import Schedule, check_schedule, schedule_of
from .curves import (
    Curve,
    choices_around_reversals,
    contingent_reversals,
    history_weights,
    switching_by_history,
)
from .simulated import simulate_along

if TYPE_CHECKING:
    import pandas as pd

CURVES: dict[str, Callable[[Trials, Schedule], Curve]] = {
    "switching": lambda trials, schedule: switching_by_history(trials),
    "reversals": choices_around_reversals,
    "history": lambda trials, schedule: history_weights(trials),
}
"""The curves of a check, by name."""


class ModelCurve(NamedTuple):
    """A model's curve in simulated cohorts: each the mean over subjects, as that of the animals.

    Attributes:
        cohorts: the mean over subjects in each simulated cohort; NaN where there is no trial.
        distance: root mean square of the animals' mean less the model's, over points.
        p: how many simulated cohorts, of this one and all, are at least as far from the model's
            mean as the animals are; small where the model does not choose as they do. NaN where the
            task waited for the animals.
    """

    cohorts: Float[np.ndarray, "repeat point"]
    distance: float
    p: float

    @property
    def mean(self) -> Float[np.ndarray, " point"]:
        """Over the simulated cohorts."""
        return _mean(self.cohorts)


@summarized
@dataclasses.dataclass(frozen=True)
class PredictiveCheck:
    """Curves of the animals, and of each model simulated in their sessions.

    Attributes:
        animals: each curve of the animals, by name: `switching`, `reversals`, `history`.
        models: each curve of each model: model -> curve -> numbers.
        notes: what a reader must know of a curve, or why it could not be computed, by its name.
        n_repeats: simulated cohorts of each model.
        subjects: names of the animals, in the order of `Curve.value`.
        n_sessions, n_trials: of the animals; trials with a choice.
    """

    animals: dict[str, Curve]
    models: dict[str, dict[str, ModelCurve]]
    notes: dict[str, str]
    n_repeats: int
    subjects: tuple[str, ...]
    n_sessions: int
    n_trials: int

    def _summary(self) -> Summary:
        title = (
            f"Posterior predictive check of {counted(len(self.models), 'model')}: "
            f"{counted(len(self.subjects), 'subject')}, {counted(self.n_sessions, 'session')}, "
            f"{counted(self.n_trials, 'trial')}; {counted(self.n_repeats, 'simulated cohort')}"
        )
        heads = ["model", *(f"{curve}: distance, p" for curve in self.animals)]
        rows = [
            [name, *(f"{one.distance:.3g}, {_p_in_words(one.p)}" for one in curves.values())]
            for name, curves in self.models.items()
        ]
        notes = [f"{name}: {what}" for name, what in self.notes.items()]
        return Summary(title, table=[heads, *rows], notes=notes)

    def to_frame(self) -> pd.DataFrame:
        """One row a curve, point, and who it is of.

        Returns:
            A table with columns curve, point, of ("animals", or a model), subject ("" for the mean
            over subjects), value, low, high, n. Ends are one standard error of the mean over
            animals, and the central 95 % of simulated cohorts; n counts trials of animals, and
            cohorts of models.
        """
        import pandas as pd

        rows = []
        for name, curve in self.animals.items():
            mean, error = _mean(curve.value), _error(curve.value)
            for j, point in enumerate(curve.labels):
                ends = mean[j] - error[j], mean[j] + error[j]
                n = int(curve.n[:, j].sum())
                rows.append((name, point, "animals", "", mean[j], *ends, n))
                for i, subject in enumerate(self.subjects):
                    of = subject, curve.value[i, j], np.nan, np.nan, int(curve.n[i, j])
                    rows.append((name, point, "animals", *of))
            for model, curves in self.models.items():
                low, high = _central(curves[name].cohorts)
                for j, point in enumerate(curve.labels):
                    of = curves[name].mean[j], low[j], high[j], self.n_repeats
                    rows.append((name, point, model, "", *of))
        columns = ["curve", "point", "of", "subject", "value", "low", "high", "n"]
        return pd.DataFrame(rows, columns=columns)


def predictive_check(
    models: Mapping[str, Model],
    trials: Trials,
    *,
    key: Key[Array, ""],
    schedule: Schedule | None = None,
    n_repeats: int = 20,
    trust_schedule: bool = False,
) -> PredictiveCheck:
    """Simulates models in the animals' own sessions, and compares how both choose.

    A model may predict each next choice well and still, left to itself, not behave as the animals
    do. Each model is simulated along their sessions (`simulate_along`), and three curves are drawn
    from its choices and theirs alike: switching by the last two choices and rewards, choices around
    reversals of the best choice, and weights of the history regression.

    Args:
        models: by name; fitted to these or other trials of the same animals.
        trials: of the animals.
        key: of the simulations; a model's do not depend on which others are checked.
        schedule: the probability of each outcome after each choice; by default what the trials
            carry as context (`schedule_of`).
        trust_schedule: the outcomes need not have come with the stated probabilities; otherwise
            that is an error (see `accumbens.credit.calibrate_schedule`).
        n_repeats: simulated cohorts of each model; p is never below 1 / (n_repeats + 1).

    Raises:
        ConfigError: there is no model, or `n_repeats` is below 2.
        DataError: the schedule is not known or not the true one, or a model does not suit the
            trials.

    Source:
        Gelman, Meng & Stern (1996), Stat Sinica 6:733; for models of choice: Palminteri, Wyart &
        Koechlin (2017), Trends Cogn Sci 21:425. Histories: Beron et al. (2022), PNAS
        119:e2113961119.

    Example:
        >>> import jax
        >>> import accumbens
        >>> agent, key = accumbens.QLearning(0.5, 3.0), jax.random.key(0)
        >>> task = accumbens.ReversalBandit()
        >>> trials = accumbens.simulate(agent, task, n_sessions=4, n_trials=200, key=key)
        >>> models = {"itself": agent, "bias": accumbens.BiasOnly(0.0)}
        >>> check = accumbens.credit.predictive_check(models, trials, key=key)
        >>> check.models["bias"]["switching"].p < 0.05
        True
    """
    if not models:
        raise ConfigError("There is no model to check. Give at least one, by name.")
    if n_repeats < 2:
        raise ConfigError(f"n_repeats is {n_repeats}; it must be at least 2.")
    schedule = schedule_of(trials) if schedule is None else schedule
    (check_schedule if trust_schedule else believe_schedule)(trials, schedule)
    animals, notes = {}, {}
    for name, curve in CURVES.items():
        try:
            animals[name] = curve(trials, schedule)
        except DataError as problem:
            notes[name] = f"No curve. {problem}"
    if "reversals" in animals and (waits := contingent_reversals(trials, schedule)):
        notes["reversals"] = waits
    checked = {}
    for name, model in models.items():
        cohorts = simulate_along(
            model, trials, schedule, key=key_of(key, name), n_repeats=n_repeats
        )
        checked[name] = {
            curve: _against(found, np.array([_of(curve, x, schedule) for x in cohorts]))
            for curve, found in animals.items()
        }
        if "reversals" in animals and "reversals" in notes:
            checked[name]["reversals"] = checked[name]["reversals"]._replace(p=math.nan)
    return PredictiveCheck(
        animals,
        checked,
        notes,
        n_repeats,
        tuple(trials.names.subjects[i] for i in np.unique(trials.subject)),
        trials.n_sessions,
        int(trials.valid.sum()),
    )


def _p_in_words(p: float) -> str:
    return "–" if math.isnan(p) else f"{p:.2g}"


def _of(curve: str, cohort: Trials, schedule: Schedule) -> Float[np.ndarray, " point"]:
    return _mean(CURVES[curve](cohort, schedule).value)


def _against(animals: Curve, cohorts: Float[np.ndarray, "repeat point"]) -> ModelCurve:
    """p compares the animals with each cohort, all against the mean of all others, each point in
    its SD over all of them."""
    real = _mean(animals.value)
    everyone = np.vstack([real, cohorts])
    n = np.isfinite(everyone).sum(0)
    others = (np.nansum(everyone, 0) - np.nan_to_num(everyone)) / np.maximum(n - 1, 1)
    spread = np.nanstd(np.where(n > 1, everyone, 0.0), 0)
    far = _root_mean_square((everyone - others) / np.where(spread > 0, spread, 1.0))
    p = float((far >= far[0] - 1e-12).sum() / len(far))
    return ModelCurve(cohorts, float(_root_mean_square((real - _mean(cohorts))[None])[0]), p)


def _root_mean_square(x: Float[np.ndarray, "row point"]) -> Float[np.ndarray, " row"]:
    known = np.isfinite(x)
    squares = np.square(np.where(known, x, 0.0)).sum(1)
    return np.sqrt(squares / np.maximum(known.sum(1), 1))


def _mean(value: Float[np.ndarray, "row point"]) -> Float[np.ndarray, " point"]:
    known = np.isfinite(value)
    n = known.sum(0)
    total = np.where(known, value, 0.0).sum(0)
    return np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0)


def _error(value: Float[np.ndarray, "row point"]) -> Float[np.ndarray, " point"]:
    """Standard error of the mean over subjects; NaN with fewer than two."""
    n = np.isfinite(value).sum(0)
    squares = np.nansum((value - _mean(value)) ** 2, 0)
    return np.where(n > 1, np.sqrt(squares / np.maximum(n - 1, 1) / np.maximum(n, 1)), np.nan)


def _central(cohorts: Float[np.ndarray, "repeat point"]) -> Float[np.ndarray, "2 point"]:
    some = np.isfinite(cohorts).any(0)
    ends = np.nanquantile(np.where(some, cohorts, 0.0), [0.025, 0.975], axis=0)
    return np.where(some, ends, np.nan)
