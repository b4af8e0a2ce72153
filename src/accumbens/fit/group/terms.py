"""Log likelihood, score and information of every subject, at parameters of its own.

    log p(data | u),   score g = d log p / d u,   information F = sum over trials of the covariance
    of that trial's score, given the trials before it

F is made of first derivatives alone and is never negative, so that a quadratic expansion of the
log likelihood has a maximum however few trials there are. Sessions lie on the last axis, where a
CPU handles several with one instruction; each runs with the parameters of its subject.

Source: Fisher scoring, McCullagh & Nelder (1989), Generalized Linear Models, section 2.5.
"""

from __future__ import annotations

import math
from typing import Generic, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ...models.catalogue import Target
from ...trials import Batch
from ..likelihood.parameter_space import M, ParameterSpace

MIN_RESIDUAL = 1e-8
"""Of a signal's variance: the least that a residual may have."""


class Terms(NamedTuple):
    """Of each subject: log likelihood (nats), score and information."""

    log_p: Float[Array, " subject"]
    score: Float[Array, "subject place"]
    information: Float[Array, "subject place place"]


class SignalScales(NamedTuple):
    """Units in which gains, offsets and residuals are moved, so that 1 is much for each signal.

    gain, offset, sd: of each signal.
    """

    gain: Float[Array, " signal"]
    offset: Float[Array, " signal"]
    sd: Float[Array, " signal"]


class TrialTerms(eqx.Module, Generic[M]):
    """The terms of a cognitive model along trials: choices, signals, or both.

    Places of u: the parameters of the space; then, where signals count, gain, offset and log
    residual SD of every signal, in the units of `scales`.

    Attributes:
        space: which parameters of the model are fitted.
        batch: all sessions, in double precision.
        scales: of the signals.
        n_subjects: how many there are, with or without sessions.
        target: what counts.
    """

    space: ParameterSpace[M]
    batch: Batch
    scales: SignalScales
    n_subjects: int = eqx.field(static=True)
    target: Target = eqx.field(static=True)

    def __call__(self, u: Float[Array, "subject place"]) -> Terms:
        n, batch = len(self.space.places), self.batch
        subject = jnp.asarray(batch.subject)
        own = jnp.take(u, subject, axis=0).T
        logits, x, slopes = self._along(own[:n])
        n_signals = 0 if self.target == "choice" else batch.signal.shape[-1]
        n_all = n + 3 * n_signals
        log_p = jnp.zeros(subject.shape[0])
        score = jnp.zeros((n_all, subject.shape[0]))
        information = jnp.zeros((n_all, n_all, subject.shape[0]))
        if self.target != "signal":
            of_choice = _choice_terms(logits, slopes[0], batch)
            log_p = log_p + of_choice[0]
            score = score.at[:n].add(of_choice[1])
            information = information.at[:n, :n].add(of_choice[2])
        for s in range(n_signals):
            at = n + 3 * s
            of_signal = _signal_terms(x, slopes[1], own[at : at + 3], self.scales, batch, s)
            where = jnp.array([*range(n), at, at + 1, at + 2])
            log_p = log_p + of_signal[0]
            score = score.at[where].add(of_signal[1])
            information = information.at[where[:, None], where[None, :]].add(of_signal[2])
        return Terms(*(_by_subject(a, subject, self.n_subjects) for a in
                       (log_p, score, information)))  # fmt: skip

    def log_likelihood(self, u: Float[Array, "subject place"]) -> Float[Array, " subject"]:
        """The first of the terms alone, in nats. To be differentiated backwards."""
        n, batch = len(self.space.places), self.batch
        subject = jnp.asarray(batch.subject)
        own = jnp.take(u, subject, axis=0).T
        logits, x = predictions_along(self.space, own[:n], batch)
        log_p = jnp.zeros(subject.shape[0])
        if self.target != "signal":
            log_p = log_p + _log_p_chosen(logits, _made(logits, batch)[0])
        for s in range(0 if self.target == "choice" else batch.signal.shape[-1]):
            at = n + 3 * s
            log_p = log_p + _signal_errors(x, own[at : at + 3], self.scales, batch, s).log_p
        return _by_subject(log_p, subject, self.n_subjects)

    def _along(self, theta: Float[Array, "place session"]):
        """Log-odds [trial, choice, session], prediction errors [trial, session], and the slopes
        of both by each parameter, on a further first axis."""

        def run(theta):
            return predictions_along(self.space, theta, self.batch)

        if not theta.shape[0]:
            logits, x = run(theta)
            return logits, x, (jnp.zeros((0, *logits.shape)), jnp.zeros((0, *x.shape)))

        def slope(direction):
            tangent = jnp.broadcast_to(direction[:, None], theta.shape)
            return jax.jvp(run, (theta,), (tangent,))

        (logits, x), slopes = jax.vmap(slope, out_axes=(None, 0))(jnp.eye(theta.shape[0]))
        return logits, x, slopes


class RegressionTerms(eqx.Module):
    """The terms of signals regressed on prediction errors that are known.

    Places of u: gain, offset and log residual SD of every signal, in the units of `scales`.

    Attributes:
        x: prediction error.
        batch, scales, n_subjects: as in `TrialTerms`.
    """

    x: Float[Array, "trial session"]
    batch: Batch
    scales: SignalScales
    n_subjects: int = eqx.field(static=True)

    def __call__(self, u: Float[Array, "subject place"]) -> Terms:
        subject = jnp.asarray(self.batch.subject)
        own, none = jnp.take(u, subject, axis=0).T, jnp.zeros((0, *self.x.shape))
        log_p = jnp.zeros(subject.shape[0])
        score, information = jnp.zeros(own.shape), jnp.zeros((own.shape[0], *own.shape))
        for s in range(self.batch.signal.shape[-1]):
            at = slice(3 * s, 3 * s + 3)
            found = _signal_terms(self.x, none, own[at], self.scales, self.batch, s)
            log_p = log_p + found[0]
            score = score.at[at].set(found[1])
            information = information.at[at, at].set(found[2])
        return Terms(*(_by_subject(a, subject, self.n_subjects) for a in
                       (log_p, score, information)))  # fmt: skip

    def log_likelihood(self, u: Float[Array, "subject place"]) -> Float[Array, " subject"]:
        """The first of the terms alone, in nats."""
        return self(u).log_p


def predictions_along(
    space: ParameterSpace, theta: Float[Array, "place session"], batch: Batch
) -> tuple[Float[Array, "trial choice session"], Float[Array, "trial session"]]:
    """Log-odds of choices and prediction errors, each session with its own parameters."""
    none = jnp.zeros(0)
    model = jax.vmap(lambda u: space.build(u, none, none), in_axes=-1, out_axes=-1)(theta)

    def trial(model, state, seen):
        choice, outcome, valid = seen
        made = jnp.where(valid, choice, 0)
        logits = model.choice_logits(state)
        error = model.prediction_error(state, made, outcome)
        moved = model.update(state, made, outcome)
        state = jax.tree.map(lambda new, old: jnp.where(valid, new, old), moved, state)
        return state, (logits, jnp.where(valid, error, 0.0))

    def sessions_last(array):
        return jnp.moveaxis(jnp.asarray(array), 0, -1)

    start = jax.vmap(lambda m, i: m.initial_state(i), in_axes=-1, out_axes=-1)(
        model, jnp.asarray(batch.subject)
    )
    step = jax.vmap(trial, in_axes=-1, out_axes=-1)
    seen = tuple(map(sessions_last, (batch.choice, batch.outcome, batch.valid)))
    return jax.lax.scan(lambda state, x: step(model, state, x), start, seen)[1]


def _made(logits, batch: Batch):
    """Which choice was made where it is scored [trial, choice, session], and where that is."""
    made = jnp.moveaxis(jnp.asarray(batch.choice), 0, -1)
    scored = jnp.moveaxis(jnp.asarray(batch.scored), 0, -1)[:, None, :]
    return (jnp.arange(logits.shape[1])[:, None] == made[:, None, :]) & scored, scored


def _log_p_chosen(logits, chosen) -> Float[Array, " session"]:
    return jnp.where(chosen, jax.nn.log_softmax(logits, axis=1), 0.0).sum((0, 1))


def _choice_terms(logits, slopes, batch: Batch):
    """Log p, score and information of each session's scored choices."""
    chosen, scored = _made(logits, batch)
    p = jnp.where(scored, jnp.exp(jax.nn.log_softmax(logits, axis=1)), 0.0)
    slopes = slopes - (p * slopes).sum(2, keepdims=True)
    return (
        _log_p_chosen(logits, chosen),
        jnp.where(chosen, slopes, 0.0).sum((1, 2)),
        jnp.einsum("atcs,btcs,tcs->abs", slopes, slopes, p),
    )


class _SignalErrors(NamedTuple):
    """Of one signal, in each session: residuals [trial, session], where they count, the share of
    the variance that is not its floor, the variance, and log p."""

    residual: Float[Array, "trial session"]
    counts: Bool[Array, "trial session"]
    share: Float[Array, " session"]
    variance: Float[Array, " session"]
    log_p: Float[Array, " session"]


def _signal_errors(x, own, scales: SignalScales, batch: Batch, s: int) -> _SignalErrors:
    y = jnp.moveaxis(jnp.asarray(batch.signal[..., s]), 0, -1)
    counts = jnp.moveaxis(jnp.asarray(batch.signal_scored[..., s]), 0, -1)
    gain, offset = own[0] * scales.gain[s], own[1] * scales.offset[s]
    own_variance = scales.sd[s] ** 2 * jnp.exp(2 * own[2])
    variance = own_variance + MIN_RESIDUAL * scales.sd[s] ** 2
    residual = jnp.where(counts, y - gain * x - offset, 0.0)
    n, squares = counts.sum(0), (residual**2).sum(0)
    log_p = -0.5 * (n * jnp.log(2 * math.pi * variance) + squares / variance)
    return _SignalErrors(residual, counts, own_variance / variance, variance, log_p)


def _signal_terms(x, slopes, own, scales: SignalScales, batch: Batch, s: int):
    """Of one signal: log p, score and information of each session, by the parameters of the model,
    then gain, offset and log residual SD."""
    residual, counts, share, variance, log_p = _signal_errors(x, own, scales, batch, s)
    gain = own[0] * scales.gain[s]
    by = jnp.concatenate(
        [gain * slopes, scales.gain[s] * x[None], jnp.full((1, *x.shape), scales.offset[s])]
    )
    by = jnp.where(counts, by, 0.0)
    n, squares = counts.sum(0), (residual**2).sum(0)
    score = jnp.concatenate(
        [(by * residual).sum(1) / variance, (share * (squares / variance - n))[None]]
    )
    information = jnp.einsum("ats,bts->abs", by, by) / variance
    information = jnp.pad(information, [(0, 1), (0, 1), (0, 0)])
    return log_p, score, information.at[-1, -1].set(2 * n * share**2)


def _by_subject(
    values: Float[Array, "... session"], subject: Int[Array, " session"], n_subjects: int
) -> Float[Array, "subject ..."]:
    """Sums over the sessions of each subject."""
    return jax.ops.segment_sum(jnp.moveaxis(values, -1, 0), subject, n_subjects)
