"""How strong should the penalties be? A path from weak to strong, scored by held-out likelihood.

In each fold of the training sessions one disRNN is warmed up and then trained at rising penalties,
each from where the last one ended. The one-standard-error rule takes the strongest penalties whose
held-out log likelihood lies within one standard error of the best.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from ...errors import ConfigError
from ...files import write_atomically
from ...models.disrnn import DisRNN, open_latents
from ...progress.base import Progress
from ...summary import Summary, number, summarized
from ...trials import Trials
from ...unrolling import choice_log_likelihood, unroll
from ..gradient.batches import mini_batches
from ..gradient.training import train
from .config import PenaltyPathConfig, RecipeConfig
from .objectives import choice_objective
from .preparation import choice_parts, initial_disrnn, learning_rates, longest_first


@summarized
class PenaltyPath(NamedTuple):
    """What was found along the path, factors rising.

    log_likelihood: mean held-out log likelihood per scored trial (nats).
    standard_error: of its difference from the best factor's, over sessions; 0 at the best.
    n_open: open latents, mean over folds.
    best, chosen: indices of the most likely and of the one-standard-error choice.
    """

    factors: Float[np.ndarray, " factor"]
    log_likelihood: Float[np.ndarray, " factor"]
    standard_error: Float[np.ndarray, " factor"]
    n_open: Float[np.ndarray, " factor"]
    best: int
    chosen: int

    def _summary(self) -> Summary:
        columns = zip(
            self.factors, self.log_likelihood, self.standard_error, self.n_open, strict=True
        )
        marks = (("best", self.best), ("chosen", self.chosen))
        rows = [
            [*map(number, row), ", ".join(mark for mark, at in marks if at == i)]
            for i, row in enumerate(columns)
        ]
        heads = ["factor", "log likelihood a trial", "standard error", "open latents", ""]
        return Summary("Path of penalties, scored on held-out sessions", table=[heads, *rows])


def penalty_path(
    trials: Trials,
    recipe: RecipeConfig,
    config: PenaltyPathConfig,
    *,
    key: PRNGKeyArray,
    progress: Progress | None = None,
    results: Path | None = None,
) -> PenaltyPath:
    """Fits every factor in every fold of `trials` and applies the one-standard-error rule.

    results: a JSON file in which finished folds are kept, so that a killed path goes on.
    Folds take every n-th session, as they stand in `trials`.
    """
    if trials.n_sessions < config.folds:
        raise ConfigError(
            f"path.folds is {config.folds} but there are {trials.n_sessions} training sessions."
        )
    done = json.loads(results.read_text()) if results is not None and results.is_file() else {}
    for fold in range(config.folds):
        if str(fold) not in done:
            done[str(fold)] = _fold(trials, recipe, config, fold, key, progress or Progress())
            if results is not None:
                write_atomically(results, json.dumps(done).encode())
    folds = [done[str(fold)] for fold in range(config.folds)]
    return one_standard_error_rule(
        np.array(sorted(config.factors)),
        np.concatenate([np.array(f["log_likelihood"]) for f in folds]),
        np.concatenate([np.array(f["n_scored"]) for f in folds]),
        np.mean([f["n_open"] for f in folds], axis=0),
    )


def one_standard_error_rule(
    factors: Float[np.ndarray, " factor"],
    log_likelihood: Float[np.ndarray, "session factor"],
    n_scored: Int[np.ndarray, " session"],
    n_open: Float[np.ndarray, " factor"],
) -> PenaltyPath:
    """The strongest factor whose mean log likelihood is within one standard error of the best.

    log_likelihood: held-out sums over each session's scored trials (nats). The standard error is
    that of the paired difference from the best factor, with sessions as the independent units:
    sd over sessions of (d_s - dbar n_s) x sqrt(S) / N, d_s the session's difference, N all trials.
    """
    total = n_scored.sum()
    mean = log_likelihood.sum(0) / total
    best = int(np.argmax(mean))
    difference = log_likelihood - log_likelihood[:, [best]]
    residual = difference - (mean - mean[best]) * n_scored[:, None]
    error = residual.std(0, ddof=1) * np.sqrt(len(n_scored)) / total
    within = np.flatnonzero(mean >= mean[best] - error)
    return PenaltyPath(factors, mean, error, n_open, best, int(within.max()))


def _fold(
    trials: Trials, recipe: RecipeConfig, config: PenaltyPathConfig, fold: int,
    key: PRNGKeyArray, progress: Progress,
) -> dict[str, list]:  # fmt: skip
    """One fold's held-out log likelihood by session and factor, and open latents by factor."""
    sessions = np.arange(trials.n_sessions)
    held_out = trials.select_sessions(sessions[sessions % config.folds == fold])
    inner = trials.select_sessions(sessions[sessions % config.folds != fold])
    batch = jax.tree.map(jnp.asarray, longest_first(inner.batch()))
    key = jax.random.fold_in(key, fold)
    model = initial_disrnn(inner, recipe.disrnn, key)
    first = recipe.warm_up.steps
    n_steps = first + len(config.factors) * config.steps

    def fit(model, stage, penalties, noisy, offset, i):
        def report(state, history):
            terms = {name: float(values[-1]) for name, values in history.items()}
            task.update(offset + state.step, terms=terms)

        own = jax.random.fold_in(key, i)
        return train(
            model, choice_objective, batch, penalties.weights(), stage, noisy=noisy,
            rates=learning_rates(model, choice_parts, stage), key=own,
            batches=mini_batches(batch, recipe.trials_per_step, key=own), on_dispatch=report,
        ).model  # fmt: skip

    # Penalties rise from one factor to the next, not from 0 again.
    stage = dataclasses.replace(recipe.choice_stage, steps=config.steps, penalty_ramp=0)
    scores, n_open = [], []
    with progress.task(f"penalty path: fold {fold + 1} of {config.folds}", n_steps) as task:
        model = fit(model, recipe.warm_up, recipe.penalties, False, 0, 1)
        for i, factor in enumerate(sorted(config.factors)):
            penalties = recipe.penalties.scaled(factor)
            model = fit(model, stage, penalties, True, first + i * config.steps, 2 + i)
            scores.append(_session_log_likelihood(model, held_out))
            n_open.append(len(open_latents(model)))
    return {
        "log_likelihood": np.stack(scores, axis=1).tolist(),
        "n_scored": held_out.scored.sum(1).tolist(),
        "n_open": n_open,
    }


def _session_log_likelihood(model: DisRNN, trials: Trials) -> Float[np.ndarray, " session"]:
    logits = jnp.asarray(unroll(model, trials).choice_logits)
    return np.asarray(choice_log_likelihood(logits, trials.batch())).sum(1)
