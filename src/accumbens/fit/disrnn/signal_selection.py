"""The penalties of the signal networks, chosen by held-out signal error inside the training
sessions.

Core and choice network stay as they are. The signal networks are trained without each fold, and
scored on it without noise, at one factor of the penalties after the other, each going on from the
last, and with and without numbers that describe each subject. The simplest whose error lies within
`TOLERANCE` of the lowest are taken: without such numbers rather than with, then the strongest
penalties. They are trained again on everything, in the same way.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from ...models.disrnn import DisRNN
from ...progress.base import Progress
from ...progress.threads import in_threads
from ...trials import Batch, Trials
from ...unrolling import squared_signal_errors
from ..gradient.training import Trained, train
from .candidates import folds_of
from .config import RecipeConfig
from .objectives import ReadOutData, signal_objective
from .preparation import (
    initial_disrnn,
    latents_before,
    learning_rates,
    signal_parts,
    with_unseen_subjects,
)

FACTORS = (1.0, 3.0, 10.0)
"""Multiples of the signal networks' penalties that are tried."""
TOLERANCE = 1e-3
"""Share of the signal's variance that stronger penalties may cost."""


class SignalSelection(NamedTuple):
    """The model with signal networks fitted to all trials, and how their penalties were chosen.

    embeddings: numbers that describe each subject, as tried. factors: multiples of the penalties
    that were tried. error: mean squared error of what folds held out, in units of each signal's
    variance, averaged over signals. after_outcome: the same of the mean after each outcome.
    chosen: indices of the embedding and the factor that were taken.
    """

    model: DisRNN
    history: dict[str, Float[np.ndarray, " step"]]
    embeddings: tuple[int, ...]
    factors: Float[np.ndarray, " factor"]
    error: Float[np.ndarray, "embedding factor"]
    after_outcome: float
    chosen: tuple[int, int]

    @property
    def better_than_outcome(self) -> bool:
        """Whether the networks predict held-out signals better than the mean after each outcome."""
        return bool(self.error[self.chosen] < self.after_outcome)


def select_signal_networks(
    model: DisRNN,
    trials: Trials,
    recipe: RecipeConfig,
    *,
    folds: int,
    embedding: int = 0,
    key: PRNGKeyArray,
    progress: Progress | None = None,
) -> SignalSelection:
    """`model` with signal networks for the signals of `trials`.

    folds: parts of the sessions, each held out once. embedding: numbers that describe each subject,
    tried beside none; 0: not tried. key: of starts and noise.
    """
    progress = (progress or Progress()).within("")
    several = len(np.unique(trials.subject)) > 1
    embeddings = (0, embedding) if embedding and several else (0,)
    models = [_with_signal_networks(model, trials, n, key) for n in embeddings]
    batch = jax.tree.map(jnp.asarray, trials.batch())
    data = ReadOutData.of_valid_trials(batch, latents_before(model, batch))
    trial, session = np.nonzero(np.asarray(batch.valid).T)
    held_out = np.stack([out[session, trial] for out in folds_of(trials, folds)])
    later = dataclasses.replace(recipe.signal_stage, steps=max(recipe.signal_stage.steps // 3, 1))
    stages = (recipe.signal_stage, *([later] * (len(FACTORS) - 1)))
    jobs = [(of, out) for of in models for out in held_out]
    everything = np.zeros(len(trial), bool)

    def seen(out: Bool[np.ndarray, " sample"]) -> Batch:
        kept = jnp.asarray(~out)[:, None]
        batch, counts = data.batch, data.batch.signal_scored & kept[:, :, None]
        return batch._replace(valid=batch.valid & kept, signal_scored=counts)

    def fit(
        model: DisRNN, factors: Sequence[float], out: Bool[np.ndarray, " sample"], to: Progress
    ) -> Iterator[Trained]:
        """What these networks have come to at each factor, one after the other."""
        batch = seen(out)
        rates = learning_rates(model, signal_parts, recipe.signal_stage)
        for i, factor in enumerate(factors):
            stage = stages[i]

            def on_dispatch(state, history, stage=stage) -> None:
                task.update(state.step, total=state.n_steps(stage))

            with to.task("signal", stage.steps) as task:
                done = train(
                    model, signal_objective, data._replace(batch=batch),
                    recipe.penalties.scaled(factor).weights(), stage, noisy=True, rates=rates,
                    key=jax.random.fold_in(key, i), on_dispatch=on_dispatch,
                )  # fmt: skip
            model = done.model
            yield done

    def errors_of(job: _Job) -> Float[np.ndarray, "factor sample signal"]:
        model, out = job
        squared = [
            np.asarray(_squared_errors(with_unseen_subjects(done.model, seen(out)), data))[:, 0]
            for done in fit(model, FACTORS, out, task.shared())
        ]
        return np.where(out[:, None], np.stack(squared), 0.0)

    n_steps = sum(stage.steps for stage in stages)
    with progress.task("disrnn selection: signal", len(jobs) * n_steps) as task:
        errors = [errors_of(jobs[0])]  # compiles
        errors += in_threads(errors_of, jobs[1:], progress=progress)
    scored = np.asarray(data.batch.signal_scored)[:, 0]
    n = np.maximum(scored.sum(0), 1)
    of_all = np.stack(errors).reshape(len(models), -1, len(FACTORS), *scored.shape).sum(1)
    mean = (of_all.sum(2) / n).mean(-1)
    good = mean <= mean.min() + TOLERANCE
    of = int(np.argmax(good.any(1)))
    chosen = of, int(np.flatnonzero(good[of]).max())
    stretches = list(fit(models[of], FACTORS[: chosen[1] + 1], everything, progress))
    fitted = with_unseen_subjects(stretches[-1].model, data.batch)
    terms = stretches[0].history
    history = {term: np.concatenate([done.history[term] for done in stretches]) for term in terms}
    return SignalSelection(
        fitted, history, embeddings, np.array(FACTORS), mean,
        error_after_outcome(data.batch, models[0], held_out), chosen,
    )  # fmt: skip


_Job = tuple[DisRNN, Bool[np.ndarray, " sample"]]
"""Networks before training, and what is held out."""


def _with_signal_networks(
    model: DisRNN, trials: Trials, embedding: int, key: PRNGKeyArray
) -> DisRNN:
    """Core and choice network of `model`, with untrained networks for the signals of `trials`."""
    config = dataclasses.replace(model.config, signal_subject_embedding=embedding)
    whole = initial_disrnn(trials, config, key)
    return eqx.tree_at(
        lambda m: [m.core, m.choice_network], whole, [model.core, model.choice_network]
    )


def error_after_outcome(
    batch: Batch, model: DisRNN, held_out: Bool[np.ndarray, "fold sample"]
) -> float:
    """Mean squared error of the mean after each outcome, on what folds hold out.

    In units of each signal's variance, averaged over signals. batch: of single trials, each as a
    session of its own.
    """
    scored = np.asarray(batch.signal_scored)[:, 0]
    target = np.asarray(model.signal_units.standardised(batch.signal))[:, 0]
    outcome = np.asarray(batch.outcome)[:, 0]
    kind = np.unique(outcome, axis=0, return_inverse=True)[1].reshape(-1)
    total = np.zeros(scored.shape[1])
    for out in held_out:
        seen = scored & ~out[:, None]
        overall = np.where(seen, target, 0.0).sum(0) / np.maximum(seen.sum(0), 1)
        for k in np.unique(kind):
            of_kind = seen & (kind == k)[:, None]
            n = of_kind.sum(0)
            mean = np.where(of_kind, target, 0.0).sum(0) / np.maximum(n, 1)
            mean = np.where(n > 0, mean, overall)
            here = scored & out[:, None] & (kind == k)[:, None]
            total += np.where(here, (target - mean) ** 2, 0.0).sum(0)
    return float((total / np.maximum(scored.sum(0), 1)).mean())


@eqx.filter_jit
def _squared_errors(model: DisRNN, data: ReadOutData) -> Float[Array, "sample trial signal"]:
    observed, networks = model.observed(data.batch), model.signal_networks
    subject = networks.described(observed.subject).T
    standardised = networks.along(data.before, observed, subject, None)
    target = data.batch._replace(signal=model.signal_units.standardised(data.batch.signal))
    return squared_signal_errors(standardised, target)
