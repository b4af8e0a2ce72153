"""Equations put to the test: held-out choices, behaviour in the task, parameters found again."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from ..credit.predictive.check import PredictiveCheck, predictive_check
from ..credit.predictive.simulated import simulate_along
from ..credit.schedule import Schedule, schedule_of
from ..errors import AccumbensError, ConfigError, DataError
from ..models.base import Model
from ..models.bias import BiasOnly
from ..scoring.comparison import Comparison, compare
from ..simulation import simulate
from ..summary import Summary, counted, summarized
from ..tasks.base import Task
from ..threefry import key_of
from ..trials import Trials
from .equations.refitting import refit_equations
from .equations.result import Distillation

if TYPE_CHECKING:
    import pandas as pd

KEPT = 0.995
"""Share of the network's normalized likelihood that equations keep which explain it."""


@dataclasses.dataclass(frozen=True)
class RecoveredParameter:
    """A parameter of equations, found again in their own simulations.

    Attributes:
        of, name, after: as in `EquationParameter`.
        truth: with which the equations were simulated.
        recovered: mean over simulations.
        held: share of simulations whose 95 % interval holds the truth.
    """

    of: str
    name: str
    after: str
    truth: float
    recovered: float
    held: float


@summarized
@dataclasses.dataclass(frozen=True)
class EquationCheck:
    """Whether equations say what the network says, choose as animals do, and can be found again.

    Attributes:
        comparison: network, equations and a bias alone on held-out trials; reference: the network.
        predictive: the same models simulated in the animals' sessions, beside the animals; None
            where their schedule is not known.
        recovered: the parameters of the equations from their own simulations.
        simulated_in: what those simulations were.
        notes: what could not be checked, and why.
    """

    comparison: Comparison
    predictive: PredictiveCheck | None
    recovered: tuple[RecoveredParameter, ...]
    simulated_in: str
    notes: tuple[str, ...]

    @property
    def something_found(self) -> bool:
        """Whether the network predicts held-out choices better than a bias alone."""
        return bool(self.comparison.differences["bias"].log_likelihood.high < 0)

    @property
    def kept(self) -> float:
        """Share of the network's normalized likelihood that the equations keep."""
        scores = self.comparison.models
        of = {name: scores[name].normalized_likelihood.value for name in ("equations", "network")}
        return of["equations"] / of["network"]

    def verdicts(self) -> list[str]:
        """What passed and what failed, a sentence each."""
        bias = self.comparison.differences["bias"].log_likelihood
        gain = f"{-bias.value:.4f} ({-bias.high:.4f} to {-bias.low:.4f}) nats per choice"
        if not self.something_found:
            return [
                "Nothing found: held-out choices are not predicted better by the network than by a "
                f"bias alone, {gain}.",
                *self.notes,
            ]
        said = [f"Held-out choices are predicted better by the network than by a bias, {gain}."]
        does = "explain" if self.kept >= KEPT else "do not explain"
        said.append(
            f"The equations {does} the network: they keep {self.kept:.2%} of its normalized "
            f"likelihood on held-out choices ({KEPT:.1%} is needed)."
        )
        for model, curves in (self.predictive.models if self.predictive else {}).items():
            for curve, found in curves.items():
                if np.isfinite(found.p):
                    how = "not as" if found.p < 0.05 else "as"
                    said.append(
                        f"Simulated, the {model} choose{'s' * (model == 'network')} {how} the "
                        f"animals do in the curve {curve} (p = {found.p:.2g})."
                    )
        if self.recovered:
            near = sum(one.held >= 0.5 for one in self.recovered)
            said.append(
                f"Of {len(self.recovered)} parameters, {near} are found again in "
                f"{self.simulated_in}."
            )
        return said + list(self.notes)

    def recovered_frame(self) -> pd.DataFrame:
        """A row for each parameter: of, name, after, truth, recovered, held."""
        import pandas as pd

        columns = [field.name for field in dataclasses.fields(RecoveredParameter)]
        return pd.DataFrame([dataclasses.astuple(one) for one in self.recovered], columns=columns)

    def _summary(self) -> Summary:
        return Summary("Check of equations", notes=self.verdicts())


def check_equations(
    network: Model,
    equations: Distillation,
    test: Trials,
    *,
    key: Key[Array, ""],
    rng: np.random.Generator,
    schedule: Schedule | None = None,
    task: Task | None = None,
    n_repeats: int = 20,
    n_recovered: int = 4,
) -> EquationCheck:
    """Puts a network and its equations to the test.

    Args:
        network: from which the equations are.
        equations: those of `distill`, or of `refit_equations`.
        test: held-out trials of the same animals.
        key: of the simulations.
        rng: of the intervals.
        schedule: with which probability each outcome follows each choice in `test`; by default what
            the trials carry.
        task: in which the equations are simulated to find their parameters again, where the trials
            do not carry a schedule; the check says so.
        n_repeats: simulated cohorts behind each curve.
        n_recovered: simulations from which the parameters are found again; 0: none.

    Raises:
        ConfigError: a number of simulations is impossible.
        DataError: a model does not suit the trials.
    """
    if n_recovered < 0:
        raise ConfigError(f"n_recovered is {n_recovered}; it cannot be negative.")
    models: dict[str, Model] = {"network": network, "equations": equations.model}
    comparison = compare({**models, "bias": _bias(equations.trials)}, test, rng=rng)
    notes, predictive = [], None
    try:
        found = schedule_of(test) if schedule is None else schedule
        predictive = predictive_check(models, test, key=key, schedule=found, n_repeats=n_repeats)
        notes += [f"{name}: {what}" for name, what in predictive.notes.items()]
    except DataError as problem:
        notes.append(f"The models were not simulated in the animals' sessions. {problem}")
    recovered, where = (), ""
    if n_recovered and equations.read:
        cohorts, where = _cohorts(equations, key_of(key, "recovery"), task, n_recovered)
        if cohorts:
            recovered = _recovered(equations, cohorts)
        else:
            notes.append(where)
    return EquationCheck(comparison, predictive, recovered, where, tuple(notes))


def _bias(trials: Trials) -> BiasOnly:
    """How often each choice is made in the trials of the equations."""
    made = np.bincount(trials.choice[trials.scored], minlength=trials.n_choices) + 0.5
    return BiasOnly(jnp.asarray(np.log(made[1:] / made[0])), n_choices=trials.n_choices)


def _cohorts(
    equations: Distillation, key: Key[Array, ""], task: Task | None, n: int
) -> tuple[list[Trials], str]:
    """Simulations of the equations, and what they are in words; or none, and why."""
    trials, model = equations.trials, equations.model
    if task is not None:
        longest = int(trials.length.max())
        cohorts = [
            simulate(model, task, n_sessions=trials.n_sessions, n_trials=longest, key=one)
            for one in jax.random.split(key, n)
        ]
        return cohorts, f"{counted(n, 'simulation')} in the task {type(task).__name__}"
    try:
        cohorts = simulate_along(model, trials, schedule_of(trials), key=key, n_repeats=n)
    except DataError as problem:
        return [], f"Parameters were not looked for in simulations. {problem}"
    return cohorts, f"{counted(n, 'simulation')} in the sessions of the equations"


def _recovered(equations: Distillation, cohorts: list[Trials]) -> tuple[RecoveredParameter, ...]:
    truth = [(p.of, p.name, p.after, p.value) for p in equations.parameters()]
    found: dict[tuple[str, str, str], list[tuple[float, float, float]]] = {}
    for cohort in cohorts:
        try:
            frame = refit_equations(equations, cohort).equations.parameter_frame()
        except AccumbensError:  # a simulation in which nothing varies
            continue
        for of, name, after, value, low, high in frame.itertuples(index=False):
            found.setdefault((of, name, after), []).append((value, low, high))
    rows = []
    for of, name, after, value in truth:
        several = np.array(found.get((of, name, after), [])).reshape(-1, 3)
        if not len(several):
            continue
        slack = 1e-6 * (1 + abs(value))  # what is 1 by its unit has an interval of no width
        held = (several[:, 1] - slack <= value) & (value <= several[:, 2] + slack)
        rows.append(
            RecoveredParameter(
                of, name, after, value, float(several[:, 0].mean()), float(held.mean())
            )
        )
    return tuple(rows)
