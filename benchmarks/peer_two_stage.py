"""The two stages of the paper assembled from the parts of `disentangled_rnns`, timed.

Settings of its two-stage notebook: 7 latents, update networks 4 x 16, choice network 2 x 2,
dopamine network 2 x 4, its penalties, Adam at 1e-3, all training sessions in every step. Stage 1
has the likelihood alone in its loss; stage 2 re-opens the dopamine network's bottlenecks, trains
that network alone and has the dopamine alone in its loss.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

import peer
from accumbens.trials import Trials
from synthetic import agents_likelihood, halves

CHUNK = 500
"""Steps between evaluations."""
CORE = "hk_neuro_disentangled_rnn"


class Reached(NamedTuple):
    """Where training stands. ratio: held-out likelihood over the agent's own; mse: of dopamine;
    n_open: latents whose own noise is below 0.9; met: as good as asked for."""

    steps: int
    seconds: float
    ratio: float
    mse: float
    n_open: int
    met: bool


def two_stages(goal: float, most_error: float, limit: float) -> Iterator[tuple[str, Reached]]:
    """Where the peer stands at three moments, each as soon as it is known.

    goal: of `ratio`. limit: seconds of training in all, for each of the three.
    """
    began = time.perf_counter()
    import optax
    from disentangled_rnns.library import checkpoint_utils

    train, test = halves(0)
    run = _Run(train, test, time.perf_counter() - began)
    run.start(optax.adam(1e-3), likelihood_weight=1.0)
    yield "stage 1, likelihood reached", run.train(limit, lambda r: r.ratio >= goal)

    second = copy.copy(run)
    second.reopen()
    frozen = checkpoint_utils.get_optimizer_with_frozen_params(
        optax.adam(1e-3), second.params, ["neural_activity_net"]
    )
    second.start(frozen, likelihood_weight=0.0)
    yield "stage 2 from there", second.train(limit, lambda r: r.mse <= most_error)

    settled = lambda r: r.ratio >= goal and r.n_open == 2  # noqa: E731
    yield "stage 1 alone, two latents left open", run.train(limit, settled)


class _Run:
    """A network in training. seconds: so far."""

    def __init__(self, train: Trials, test: Trials, seconds: float) -> None:
        self.test, self.seconds, self.steps = test, seconds, 0
        self.own = agents_likelihood(test)
        self.times: list[float] = []
        self.dataset = peer.timed_dataset(train, self.times, dopamine=True)
        self.params: Any = None

    def start(self, optimiser, *, likelihood_weight: float) -> None:
        """A stage."""
        self.optimiser, self.state, self.compiled = optimiser, None, False
        self.loss = {"likelihood_weight": likelihood_weight, "penalty_scale": 1.0}

    def train(self, limit: float, done: Callable[[Reached], bool]) -> Reached:
        """On with the stage until `done`, or until the seconds are used up."""
        from disentangled_rnns.library import rnn_utils

        reached = self.evaluate()
        while self.seconds < limit and not reached.met:
            self.times.clear()
            began = time.perf_counter()
            self.params, self.state, _ = rnn_utils.train_network(
                lambda: _network(noiseless=False), self.dataset, None, opt=self.optimiser,
                params=self.params, opt_state=self.state, n_steps=CHUNK, loss="penalized_hybrid",
                loss_param=self.loss, random_key=jax.random.PRNGKey(self.steps),
                log_losses_every=10**6, report_progress_by="none",
            )  # fmt: skip
            per_step = (self.times[-1] - self.times[-CHUNK // 2]) / (CHUNK // 2 - 1)
            self.seconds += per_step * CHUNK if self.compiled else time.perf_counter() - began
            self.steps, self.compiled = self.steps + CHUNK, True
            reached = self.evaluate()
            reached = reached._replace(met=done(reached))
            print(
                f"  peer: {reached.steps} steps, {reached.seconds:.0f} s, ratio "
                f"{reached.ratio:.4f}, dopamine MSE {reached.mse:.5f}, {reached.n_open} open",
                flush=True,
            )
        return reached

    def reopen(self) -> None:
        """The dopamine network's bottlenecks as at the start of its notebook's second stage."""
        core = dict(self.params[CORE])
        sigma = core["neural_activity_net_sigma_params"]
        random = np.random.default_rng(0).uniform(-0.2, 0.2, sigma.shape)
        core["neural_activity_net_sigma_params"] = random.astype(np.float32)
        core["neural_activity_net_multipliers"] = np.ones(sigma.shape, np.float32)
        self.params = {**self.params, CORE: core}

    def evaluate(self) -> Reached:
        if self.params is None:
            return Reached(0, self.seconds, 0.0, float("inf"), 0, met=False)
        from disentangled_rnns.library import disrnn, rnn_utils

        xs, ys = peer.inputs(self.test), peer.choices(self.test)
        out = rnn_utils.eval_network(
            lambda: _network(noiseless=True), self.params, xs, return_states=False
        )
        logits, dopamine = np.asarray(out)[..., :2], np.asarray(out)[1:, :, 2]
        log_p = logits - np.logaddexp(logits[..., :1], logits[..., 1:])
        ratio = float(np.exp(np.take_along_axis(log_p, ys, -1).mean()) / self.own)
        mse = float(((dopamine - self.test.signal[:, :-1, 0].T) ** 2).mean())
        sigma = disrnn.reparameterize_sigma(self.params[CORE]["latent_sigma_params"])
        n_open = int((np.asarray(sigma) < 0.9).sum())
        return Reached(self.steps, self.seconds, ratio, mse, n_open, met=False)


def _network(*, noiseless: bool):
    from disentangled_rnns.library import neuro_disrnn

    return neuro_disrnn.HkNeuroDisentangledRNN(
        neuro_disrnn.DisRnnWNeuralActivityConfig(
            obs_size=2,
            output_size=2,
            latent_size=7,
            update_net_n_layers=4,
            update_net_n_units_per_layer=16,
            choice_net_n_layers=2,
            choice_net_n_units_per_layer=2,
            neural_activity_net_n_layers=2,
            neural_activity_net_n_units_per_layer=4,
            latent_penalty=1e-3,
            choice_net_latent_penalty=1e-4,
            update_net_obs_penalty=1e-5,
            update_net_latent_penalty=2e-3,
            neural_activity_net_latent_penalty=1e-4,
            noiseless_mode=noiseless,
            x_names=["choice", "reward"],
            y_names=["next choice", "dopamine"],
        )
    )
