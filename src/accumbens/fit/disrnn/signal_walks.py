"""Signal networks along each route of their selection, without each fold and with all trials."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ...models.disrnn import DisRNN
from ...progress.base import Progress
from ...progress.threads import in_threads
from ...trials import Batch, Trials
from ...unrolling import squared_signal_errors
from ..folds import folds_of
from ..gradient.batches import labelled, mini_batches
from ..gradient.training import Trained, train
from .config import RecipeConfig
from .objectives import ReadOutData, signal_objective
from .preparation import (
    initial_disrnn,
    latents_before,
    learning_rates,
    signal_parts,
    with_unseen_subjects,
)
from .signal_guides import best_signal_guide, soft_signals

FACTORS = (1.0, 3.0, 10.0)
"""Multiples of the signal networks' penalties that are tried."""


class SignalRoute(NamedTuple):
    """The share of the cognitive model, and the numbers that describe each subject."""

    share: float
    embedding: int


class SignalCandidate(NamedTuple):
    """Signal networks at one factor of their penalties along one route.

    error: mean squared error of what folds held out, in units of each signal's variance, averaged
    over signals. fitted: the same of what they were fitted to.
    """

    route: SignalRoute
    factor: float
    error: float
    fitted: float


class SignalWalks:
    """What all routes of a selection share, and what their candidates scored."""

    def __init__(
        self, model: DisRNN, trials: Trials, recipe: RecipeConfig, folds: int, key: PRNGKeyArray,
        progress: Progress,
    ) -> None:  # fmt: skip
        self.choices, self.trials, self.recipe, self.key = model, trials, recipe, key
        self.progress = progress
        batch = jax.tree.map(jnp.asarray, trials.batch())
        self.data = ReadOutData.of_valid_trials(batch, latents_before(model, batch))
        trial, session = np.nonzero(np.asarray(batch.valid).T)
        of_folds = folds_of(trials, folds)
        self.held_out = np.stack([out[session, trial] for out in of_folds])
        self.guide = best_signal_guide(trials, of_folds, key=jax.random.fold_in(key, 100))
        self.said = [said[session, trial] for said in self.guide.said]
        later = dataclasses.replace(
            recipe.signal_stage, steps=max(recipe.signal_stage.steps // 3, 1)
        )
        self.stages = (recipe.signal_stage, *([later] * (len(FACTORS) - 1)))
        self.candidates: list[SignalCandidate] = []

    @property
    def best(self) -> SignalCandidate:
        """The candidate with the lowest error so far."""
        return min(self.candidates, key=lambda c: c.error)

    def walk(self, route: SignalRoute) -> None:
        """Adds the candidates along a route."""
        n_folds = len(self.held_out)
        n_steps = n_folds * sum(stage.steps for stage in self.stages)
        label = f"disrnn selection: signal, share {route.share:g}, embedding {route.embedding}"
        model = _with_signal_networks(self.choices, self.trials, route.embedding, self.key)

        def errors_of(fold: int) -> Float[np.ndarray, "part factor sample signal"]:
            """Of what the fold holds out, then of the rest."""
            out = self.held_out[fold][:, None]
            seen = self._seen(route.share, fold)
            squared = [
                np.asarray(_squared_errors(with_unseen_subjects(done.model, seen), self.data))[:, 0]
                for done in self._fit(model, FACTORS, seen, task.shared(), compiled.set)
            ]
            return np.stack([np.where(part, np.stack(squared), 0.0) for part in (out, ~out)])

        compiled = threading.Event()

        def once_compiled(fold: int) -> Float[np.ndarray, "part factor sample signal"]:
            """The first compiles for all; the others begin when its training has."""
            if fold:
                compiled.wait()
            try:
                return errors_of(fold)
            finally:
                compiled.set()

        with self.progress.task(label, n_steps) as task:
            errors = in_threads(once_compiled, range(n_folds), progress=self.progress)
        n = np.maximum(np.asarray(self.data.batch.signal_scored)[:, 0].sum(0), 1)
        error, fitted = (np.stack(errors).sum((0, 3)) / n).mean(-1)
        fitted = fitted / (n_folds - 1)
        self.candidates += [
            SignalCandidate(route, factor, float(e), float(f))
            for factor, e, f in zip(FACTORS, error, fitted, strict=True)
        ]

    def everything(self, candidate: SignalCandidate) -> list[Trained]:
        """The stretches to a candidate, fitted to all trials."""
        share, embedding = candidate.route
        model = _with_signal_networks(self.choices, self.trials, embedding, self.key)
        factors = FACTORS[: FACTORS.index(candidate.factor) + 1]
        return list(self._fit(model, factors, self._seen(share, len(self.held_out)), self.progress))

    def beyond(
        self, candidate: SignalCandidate, trials: Trials, data: ReadOutData
    ) -> list[Trained]:
        """The stretches to a candidate, fitted to more trials than it was chosen on: `data` of
        `trials`. Its targets are the signals themselves."""
        model = _with_signal_networks(self.choices, trials, candidate.route.embedding, self.key)
        factors = FACTORS[: FACTORS.index(candidate.factor) + 1]
        return list(self._fit(model, factors, data.batch, self.progress, data=data))

    def _seen(self, share: float, fold: int) -> Batch:
        """What a fit without this fold is fitted to; the last fold holds nothing out."""
        batch = self.data.batch
        if share:
            signal = np.asarray(batch.signal)[:, 0]
            soft = soft_signals(signal, self.said[fold], share)[:, None]
            batch = batch._replace(signal=jnp.where(batch.signal_scored, soft, batch.signal))
        if fold == len(self.held_out):
            return batch
        kept = jnp.asarray(~self.held_out[fold])[:, None]
        counts = batch.signal_scored & kept[:, :, None]
        return batch._replace(valid=batch.valid & kept, signal_scored=counts)

    def _fit(
        self, model: DisRNN, factors: Sequence[float], batch: Batch, to: Progress,
        when_training: Callable[[], None] = lambda: None, data: ReadOutData | None = None,
    ) -> Iterator[Trained]:  # fmt: skip
        """What these networks have come to at each factor, one after the other.

        when_training: called as soon as what is needed is compiled, and again now and then. data:
            with other trials than these of the walks.
        """
        data = (data or self.data)._replace(batch=batch)
        rates = learning_rates(model, signal_parts, self.recipe.signal_stage)
        for i, factor in enumerate(factors):
            stage = self.stages[i]

            def on_dispatch(state, history, stage=stage) -> None:
                when_training()
                task.update(state.step, total=state.n_steps(stage))

            own = jax.random.fold_in(self.key, i)
            batches = mini_batches(batch, self.recipe.trials_per_step, key=own)
            with to.task(labelled("signal", batches, "trials"), stage.steps) as task:
                done = train(
                    model, signal_objective, data, self.recipe.penalties.scaled(factor).weights(),
                    stage, noisy=True, rates=rates, key=own, batches=batches,
                    on_dispatch=on_dispatch,
                )  # fmt: skip
            model = done.model
            yield done


def _with_signal_networks(
    model: DisRNN, trials: Trials, embedding: int, key: PRNGKeyArray
) -> DisRNN:
    """Core and choice network of `model`, with untrained networks for the signals of `trials`."""
    config = dataclasses.replace(model.config, signal_subject_embedding=embedding)
    whole = initial_disrnn(trials, config, key)
    return eqx.tree_at(
        lambda m: [m.core, m.choice_network], whole, [model.core, model.choice_network]
    )


@eqx.filter_jit
def _squared_errors(model: DisRNN, data: ReadOutData) -> Float[Array, "sample trial signal"]:
    observed, networks = model.observed(data.batch), model.signal_networks
    subject = networks.described(observed.subject).T
    standardised = networks.along(data.before, observed, subject, None)
    target = data.batch._replace(signal=model.signal_units.standardised(data.batch.signal))
    return squared_signal_errors(standardised, target)
