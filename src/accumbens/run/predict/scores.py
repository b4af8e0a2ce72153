"""Scores of models on some sessions of new trials."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

from ...models.base import Model
from ...scoring.bootstrap import Unit, unit_of
from ...scoring.comparison import Comparison, compare
from ...scoring.metrics import Predictions, predict
from ...trials import Trials
from .config import PredictConfig


def scores_on(
    models: dict[str, tuple[Model, bool]], trials: Trials, scored: Bool[np.ndarray, " session"],
    config: PredictConfig,
) -> Comparison:  # fmt: skip
    """The scores of models on some sessions; the first is the reference of the differences.

    models: by name, and whether each predicts choices. scored: whether each session is.
    """
    part = trials.select_sessions(np.flatnonzero(scored))
    n = part.choice.shape[1]
    predictions = {}
    for name, (model, predicts_choices) in models.items():
        said = predict(model, trials)
        said = said if predicts_choices else said.choices_at_chance()
        predictions[name] = Predictions(said.choice_logits[scored, :n], said.signals[scored, :n])
    return compare(
        predictions, part, rng=np.random.default_rng(config.seed), n_draws=config.resamples,
        unit=_unit(part, config),
    )  # fmt: skip


def _unit(trials: Trials, config: PredictConfig) -> Unit:
    """The unit asked for; sessions where animals are asked for and only one is scored."""
    several = len(np.unique(trials.subject)) > 1
    return unit_of(trials.subject, config.unit if several else "auto")
