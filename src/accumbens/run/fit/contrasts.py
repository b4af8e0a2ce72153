"""The contrast of a run: a column of its table as a covariate of its cognitive models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxtyping import PRNGKeyArray

from ...errors import AccumbensError, ConfigError
from ...fit.group.contrast.design import ContrastDesign, contrast_design
from ...fit.group.contrast.fitting import fit_contrast
from ...io.tables.levels import session_levels
from ...progress.base import Progress
from ...threefry import key_of
from ...trials import Trials
from .config import FitConfig
from .levels import cognitive_fits, free_of


def levels_of_run(table: str | Path, trials: Trials, config: FitConfig) -> dict[str, str] | None:
    """The level of each session of the table; None where no contrast is asked for.

    Raises ConfigError where the run has no cognitive model, DataError where the column does not
    suit a contrast: before anything is fitted.
    """
    if config.contrast is None:
        return None
    if not cognitive_fits(trials, config):
        raise ConfigError(
            "A contrast is of the parameters of cognitive models, and models has none that these "
            "trials suit. Add one, such as dfq_choice."
        )
    levels = session_levels(table, config.contrast, config.table)
    _design(trials, levels, config)
    return levels


def contrasts_of_run(
    trials: Trials, levels: Mapping[str, str], config: FitConfig, key: PRNGKeyArray,
    progress: Progress,
) -> dict[str, Any]:  # fmt: skip
    """What metrics.json holds under `contrast`: who is compared with whom, and each model's fit.

    trials: all sessions, since nothing is chosen or scored by a contrast.
    """
    design, models = _design(trials, levels, config), {}
    for name, fit in cognitive_fits(trials, config).items():
        with progress.task(f"{fit.label}, contrast"):
            try:
                models[name] = fit_contrast(
                    fit.model.model_class, trials, levels, column=design.column,
                    compare=design.levels, target=fit.target, key=key_of(key, f"contrast {name}"),
                    free=free_of(fit, config),
                ).as_dict()  # fmt: skip
            except AccumbensError as problem:  # the other models' are not lost for it
                models[name] = {"left_out": str(problem)}
    return {
        "column": design.column,
        "levels": list(design.levels),
        "design": "within animals" if design.within else "between animals",
        "sentence": design.sentence(),
        "counts": design.counts(),
        "models": models,
    }


def _design(trials: Trials, levels: Mapping[str, str], config: FitConfig) -> ContrastDesign:
    return contrast_design(trials, levels, str(config.contrast), config.contrast_levels)
