"""The level at which a run's models are fitted: for all animals, for each, or under a group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from ...errors import ConfigError, DivergedError
from ...fit.group.hierarchical import check_subjects, fit_hierarchical
from ...fit.group.means import naive_by_subject
from ...fit.group.separate import fit_separate
from ...fit.likelihood.maximum_likelihood import fit_maximum_likelihood
from ...models.base import Model
from ...models.catalogue import NamedFit, find_fit
from ...models.naive import MAX_PATTERNS, Naive, n_patterns
from ...models.parts.composed import PARTS
from ...trials import Trials
from .config import FitConfig

Level = Literal["pooled", "separate", "hierarchical"]

ENOUGH = 3
"""Animals from which a run fits hierarchically unless told otherwise: two say next to nothing of
how animals differ."""


def level_of(config: FitConfig, trials: Trials) -> Level:
    """The level of a run's cognitive models and means. trials: that are fitted.

    Raises DataError where a group is asked for and there is none.
    """
    n = len(np.unique(trials.subject[trials.scored.any(1)]))
    if config.animals == "auto":
        return "hierarchical" if n >= ENOUGH else "pooled"
    if config.animals == "hierarchical":
        check_subjects(trials)
    return config.animals


def cognitive_fits(trials: Trials, config: FitConfig) -> dict[str, NamedFit]:
    """The cognitive models of a run by name: those that its trials suit."""
    fits = {name: find_fit(name) for name in config.models}
    return {
        name: fit
        for name, fit in fits.items()
        if fit.model.method == "likelihood" and (trials.names.signals or not fit.needs_signal)
    }


def free_of(fit: NamedFit, config: FitConfig) -> tuple[str, ...]:
    """The parameters of `config.free` that this fit has: none where choices are not fitted."""
    if fit.model.method != "likelihood" or fit.target == "signal":
        return ()
    known = [n for part in PARTS for n in part.parameters]
    known += [n for n, p in fit.model.model_class.parameters.items() if p.default is not None]
    return tuple(name for name in config.free if name in known)


def check_free(fits: Mapping[str, NamedFit], config: FitConfig) -> None:
    """Raises ConfigError for a parameter that no model of the run has."""
    found = {name for fit in fits.values() for name in free_of(fit, config)}
    if missing := [name for name in config.free if name not in found]:
        raise ConfigError(
            f"None of the models {', '.join(fits)} has a parameter {missing[0]} that may be free. "
            f"Leave it out of free, or add such a model to models."
        )


def fit_at_level(
    fit: NamedFit, trials: Trials, level: Level, free: tuple[str, ...], key: Any
) -> tuple[Model, dict[str, Any]]:
    """A cognitive model fitted at a level, and notes for metrics.json."""
    options = {"target": fit.target, "key": key, "free": free}
    if level == "hierarchical":
        try:
            return _hierarchical(fit.model.model_class, trials, options)
        except DivergedError as problem:
            model, notes = _pooled(fit.model.model_class, trials, options)
            said = f"The hierarchical fit failed, so one model stands for all animals: {problem}"
            return model, notes | {"warnings": [said, *notes["warnings"]]}
    if level == "separate":
        return _separate(fit.model.model_class, trials, options)
    return _pooled(fit.model.model_class, trials, options)


def means_at_level(trials: Trials, level: Level) -> tuple[Model, dict[str, Any]]:
    """The baseline of means at a level, and notes for metrics.json."""
    notes: dict[str, Any] = {"animals": level}
    if n_patterns(trials) > MAX_PATTERNS:
        said = (
            f"{' and '.join(trials.names.outcomes)} have {n_patterns(trials)} different values, "
            f"too many for a mean after each (at most {MAX_PATTERNS}): this is the mean of all "
            "trials."
        )
        notes["warnings"] = [said]
    if level == "pooled":
        return Naive.of_outcomes_or_mean(trials), notes
    model, group = naive_by_subject(trials, shrink=level == "hierarchical")
    differ = {name: np.where(np.isfinite(x), x, np.nan) for name, x in group._asdict().items()}
    return model, notes | {"means_differ": {name: x.tolist() for name, x in differ.items()}}


def _pooled(kind: Any, trials: Trials, options: dict[str, Any]) -> tuple[Model, dict[str, Any]]:
    fit = fit_maximum_likelihood(kind, trials, **options)
    return fit.model, {
        "parameters": {k: v.as_dict() for k, v in fit.parameters.items()},
        "log_likelihood": fit.log_likelihood,
        "aic": fit.aic,
        "bic": fit.bic,
        "warnings": list(fit.warnings),
        "animals": "pooled",
    }


def _separate(kind: Any, trials: Trials, options: dict[str, Any]) -> tuple[Model, dict[str, Any]]:
    found = fit_separate(kind, trials, **options)
    return found.model, {
        "subjects": {
            name: {k: v.as_dict() for k, v in fit.parameters.items()}
            for name, fit in found.fits.items()
        },
        "log_likelihood": sum(fit.log_likelihood for fit in found.fits.values()),
        "aic": sum(fit.aic for fit in found.fits.values()),
        "warnings": list(found.warnings),
        "animals": "separate",
    }


def _hierarchical(kind: Any, trials: Trials, options: dict[str, Any]) -> tuple[Model, Any]:
    fit = fit_hierarchical(kind, trials, **options)
    return fit.model, {
        "group": {name: estimate._asdict() for name, estimate in fit.group.items()},
        "subjects": {
            subject: {name: estimate._asdict() for name, estimate in each.items()}
            for subject, each in fit.subjects.items()
        },
        "log_evidence": fit.log_evidence,
        "warnings": list(fit.warnings),
        "animals": "hierarchical",
    }
