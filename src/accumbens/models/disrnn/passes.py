"""A disRNN along whole batches, trial-major with sessions last: deterministic, or noisy to train.

Only `run_loop` is sequential; observations, choice and signal networks are single passes.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ...threefry import normals, words_of
from ...trials import Batch
from ..base import Unrolled
from .bottleneck import kl_to_unit_normal, noise_scale
from .model import DisRNN, Reader, encode_observation
from .recurrence.choose import Implementation, choose_loop, fastest_loop
from .recurrence.scan import LoopInputs, LoopUnrolled, Noise


class NoiseSource(NamedTuple):
    """Where a training step's noise comes from.

    amount: 1; or 0 in the warm-up, when bottlenecks neither add noise nor cost anything. One
        compiled step serves both.
    """

    key: PRNGKeyArray
    amount: Float[Array, ""]

    def split(self, n: int) -> tuple[NoiseSource, ...]:
        """`n` independent sources of the same amount."""
        return tuple(NoiseSource(key, self.amount) for key in jax.random.split(self.key, n))


class CorePass(NamedTuple):
    """before: latents at the start of each trial. penalties: nats per valid trial, by kind."""

    before: Float[Array, "trial latent session"]
    penalties: dict[str, Float[Array, ""]]


def observations(model: DisRNN, batch: Batch) -> Float[Array, "trial observation session"]:
    """What the networks see of each trial; 0 where there was no valid choice."""
    seen = encode_observation(
        jnp.asarray(batch.choice), jnp.asarray(batch.outcome), model.n_choices
    )
    return jnp.where(batch.valid[..., None], seen, 0.0).transpose(1, 2, 0)


def core_pass(model: DisRNN, batch: Batch, noise: NoiseSource | None) -> CorePass:
    """Latents along all trials, and what the core's bottlenecks cost. noise: None for none."""
    seen, subject = observations(model, batch), model.embedding[batch.subject].T
    loop = fastest_loop(_loop_inputs(model, batch, seen, subject, noise))
    return CorePass(loop.before, _core_penalties(model, batch, loop, seen, subject))


def loop_implementation(model: DisRNN, batch: Batch) -> Implementation:
    """Which implementation of the loop trains this model on this batch here."""
    seen, subject = observations(model, batch), model.embedding[batch.subject].T
    noise = NoiseSource(jax.random.key(0), jnp.ones(()))
    return choose_loop(_loop_inputs(model, batch, seen, subject, noise)).name


def _loop_inputs(
    model: DisRNN, batch: Batch, seen: Array, subject: Array, source: NoiseSource | None
) -> LoopInputs:
    reader, n_sessions = model.update_reader, seen.shape[2]
    described = jnp.broadcast_to(subject, (len(seen), *subject.shape))
    noise = None
    if source is not None:
        latent_sigma = noise_scale(model.latent_log_sigma)
        noise = Noise(
            source.amount * reader.sigma, source.amount * latent_sigma, words_of(source.key)
        )
    z_initial = jnp.broadcast_to(model.z_initial[:, None], (model.n_latents, n_sessions))
    outside = jnp.concatenate([seen, described], axis=1)
    valid = jnp.asarray(batch.valid).T
    return LoopInputs(reader.mlps, reader.multiplier, noise, z_initial, outside, valid)


def _core_penalties(
    model: DisRNN, batch: Batch, loop: LoopUnrolled, seen: Array, subject: Array
) -> dict[str, Float[Array, ""]]:
    share = trial_share(batch).T[:, None, :]
    received = (loop.mean**2 * share).sum((0, 2))
    state = (loop.before**2 * share).sum((0, 2))
    described = (subject**2 * share.sum(0)).sum(1)
    sigma = noise_scale(model.latent_log_sigma)
    return {
        "latent": kl_to_unit_normal(received, sigma).sum(),
        "update_latent": model.update_reader.latent.penalty(state),
        "update_observation": model.update_reader.observation.penalty(
            (seen**2 * share).sum((0, 2))
        ),
        "update_subject": model.update_reader.subject.penalty(described),
        "choice_latent": model.choice_reader.latent.penalty(state),
        "choice_subject": model.choice_reader.subject.penalty(described),
    }


def trial_share(batch: Batch) -> Float[Array, "session trial"]:
    """Weight of each trial in means over valid trials: 1 / their number; 0 on all others."""
    valid = jnp.asarray(batch.valid)
    return valid / jnp.maximum(valid.sum(), 1)


def read(
    reader: Reader,
    before: Float[Array, "trial latent session"],
    seen: Float[Array, "trial observation session"],
    subject: Float[Array, "embedding session"],
    noise: NoiseSource | None,
) -> Float[Array, "net output trial session"]:
    """A reader's networks on all trials at once. noise: None for none."""
    n_trials, _, n_sessions = before.shape
    out = reader.mlps(_through(reader, _inputs(before, seen, subject), noise))
    return out.reshape(*out.shape[:2], n_trials, n_sessions)


def _inputs(
    before: Float[Array, "trial latent session"],
    seen: Float[Array, "trial observation session"],
    subject: Float[Array, "embedding session"],
) -> Float[Array, "input sample"]:
    """What a reader's bottlenecks receive, with trials and sessions flattened into one axis."""
    described = jnp.broadcast_to(subject[None], (before.shape[0], *subject.shape))
    x = jnp.concatenate([before, seen, described], axis=1)
    return x.transpose(1, 0, 2).reshape(x.shape[1], -1)


def _through(
    reader: Reader, x: Float[Array, "input sample"], noise: NoiseSource | None
) -> Float[Array, "net input sample"]:
    """What comes out of the reader's bottlenecks, for each of its networks."""
    y = reader.multiplier[:, :, None] * x
    if noise is not None:
        y = y + (noise.amount * reader.sigma)[:, :, None] * normals(noise.key, y.shape)
    return y


def choice_pass(
    model: DisRNN,
    batch: Batch,
    before: Float[Array, "trial latent session"],
    noise: NoiseSource | None,
) -> Float[Array, "session trial choice"]:
    """Choice logits on all trials, from the latents before them."""
    nothing = jnp.zeros((before.shape[0], 0, before.shape[2]))
    subject = model.embedding[batch.subject].T
    return read(model.choice_reader, before, nothing, subject, noise)[0].transpose(2, 1, 0)


def signal_pass(
    model: DisRNN,
    batch: Batch,
    before: Float[Array, "trial latent session"],
    noise: NoiseSource | None,
) -> tuple[Float[Array, "session trial signal"], dict[str, Float[Array, ""]]]:
    """Predicted signals on all trials in standardised units, and their bottlenecks' penalties.

    The penalties are means over signals, so that many signals cost no more than one.
    """
    seen, reader = observations(model, batch), model.signal_reader
    subject = model.signal_embedding[batch.subject].T
    out = read(reader, before, seen, subject, noise)[:, 0].transpose(2, 1, 0)
    share = trial_share(batch).T[:, None, :]
    n = max(model.n_signals, 1)
    return out, {
        "signal_latent": reader.latent.penalty((before**2 * share).sum((0, 2))) / n,
        "signal_observation": reader.observation.penalty((seen**2 * share).sum((0, 2))) / n,
        "signal_subject": reader.subject.penalty((subject**2 * share.sum(0)).sum(1)) / n,
    }


def deterministic_pass(model: DisRNN, batch: Batch) -> Unrolled:
    """`Model.unroll` of a disRNN: no noise, multipliers applied."""
    before = core_pass(model, batch, None).before
    standardised, _ = signal_pass(model, batch, before, None)
    signals = model.signal_mean + model.signal_scale * standardised
    return Unrolled(
        choice_logits=choice_pass(model, batch, before, None),
        signals=jnp.where(batch.valid[..., None], signals, 0.0),
        latents=OrderedDict((name, before[:, i].T) for i, name in enumerate(model.latent_names)),
    )
