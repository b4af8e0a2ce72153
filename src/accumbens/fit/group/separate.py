"""A cognitive model fitted to every subject by itself, as one model of all."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from ...errors import DataError
from ...models.by_subject import BySubject, together
from ...models.catalogue import Target
from ...models.cognitive import CognitiveModel
from ...trials import Trials
from ..likelihood.fitted import MaximumLikelihoodFit
from ..likelihood.maximum_likelihood import check_datasets, fit_datasets, space_for
from ..likelihood.parameter_space import M, ParameterSpace


@dataclasses.dataclass(frozen=True)
class SeparateFits:
    """Fits of one model to each subject by itself.

    Attributes:
        model: of all; subjects of other names get the mean of the fitted ones, on the
            unconstrained scale.
        fits: of each subject by name.
        warnings: what a reader must know, with the subject's name.
    """

    model: BySubject
    fits: dict[str, MaximumLikelihoodFit]
    warnings: tuple[str, ...]


def fit_separate(
    model: type[M] | M,
    trials: Trials,
    *,
    target: Target = "choice",
    key: Key[Array, ""],
    n_starts: int = 16,
    free: Sequence[str] = (),
) -> SeparateFits:
    """Fits a cognitive model to every subject by itself, and makes one model of the fits.

    A subject that cannot be fitted (no scored choice, or a signal that does not vary) gets the mean
    of the others.

    Args:
        model, target, key, n_starts, free: as in `fit_maximum_likelihood`.
        trials: of all subjects.

    Raises:
        ConfigError: an option is unknown, contradicts another, or does not fit the model.
        DataError: no subject can be fitted.
        DivergedError: the likelihood of a subject is finite at no start.
    """
    parts, without = _parts(trials, target, n_starts)
    options: dict[str, Any] = {"target": target, "free": free}
    fits = fit_datasets(model, list(parts.values()), key=key, n_starts=n_starts, **options)
    space = space_for(model, list(parts.values()), target, free=free)
    others = mean_of([fit.model for fit in fits], space)
    models = dict(zip(parts, (fit.model for fit in fits), strict=True))
    everyone = {name: models.get(name, others) for name in trials.names.subjects}
    warnings = [
        f"{name}: {warning}"
        for name, fit in zip(parts, fits, strict=True)
        for warning in fit.warnings
    ]
    warnings = [f"{reason} It gets the mean of the others." for reason in without] + warnings
    fits_by_name = dict(zip(parts, fits, strict=True))
    return SeparateFits(together(everyone, others=others), fits_by_name, tuple(warnings))


def _parts(trials: Trials, target: Target, n_starts: int) -> tuple[dict[str, Trials], list[str]]:
    """The trials of each subject that can be fitted, and why others cannot.

    Raises DataError where none can.
    """
    parts, without, reasons = {}, [], []
    for i, name in enumerate(trials.names.subjects):
        sessions = np.flatnonzero(trials.subject == i)
        if not sessions.size:
            without.append(f"{name} has no session here.")
            continue
        part = trials.select_sessions(sessions)
        try:
            check_datasets([part], target, n_starts)
        except DataError as problem:
            reasons.append(str(problem))
            without.append(f"{name} cannot be fitted: {problem}")
            continue
        parts[name] = part
    if not parts:
        raise DataError(reasons[0] if reasons else "There is no session.")
    return parts, without


def mean_of(models: Sequence[Any], space: ParameterSpace) -> CognitiveModel:
    """The model with the mean parameters on the unconstrained scale, and mean gain and offset."""
    with jax.enable_x64(True):
        own = [dataclasses.replace(space, template=model).own_values() for model in models]
        gain, offset = (
            jnp.stack([jnp.asarray(getattr(m, name), float) for m in models]).mean(0)
            for name in ("gain", "offset")
        )
        found = space.build(jnp.stack(own).mean(0), gain, offset)
    return jax.tree.map(lambda x: jnp.asarray(np.asarray(x, np.float32)), found)
