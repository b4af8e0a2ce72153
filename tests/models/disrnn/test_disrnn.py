"""The disRNN: bottlenecks, the passes against trial-by-trial loops, and one order of latents."""

import dataclasses
import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.compiled.loops import VARIABLE
from accumbens.errors import ConfigError
from accumbens.models.disrnn import (
    DisRNN,
    DisRNNConfig,
    Penalties,
    bottlenecks,
    in_order,
    open_latents,
)
from accumbens.models.disrnn.bottleneck import Bottleneck, kl_to_unit_normal
from accumbens.models.disrnn.observations import MeanSquares
from accumbens.noise import NoiseSource
from accumbens.trials import TrialNames, trials_from_arrays
from accumbens.unrolling import unroll
from helpers.table import example_trials


def a_disrnn(n_signals=2, n_choices=2, embedding=2, seed=0, **config) -> DisRNN:
    """Random weights, and bottlenecks of all widths."""
    config = DisRNNConfig(latents=4, subject_embedding=embedding, **config)
    names = tuple(f"signal_{i}" for i in range(n_signals))
    model = DisRNN.initial(
        config, n_choices=n_choices, signal_names=names, n_subjects=2, key=jax.random.key(seed)
    )
    leaves, structure = jax.tree.flatten(model)
    rng = np.random.default_rng(seed)
    leaves = [leaf + 0.3 * rng.normal(size=leaf.shape).astype(np.float32) for leaf in leaves]
    return jax.tree.unflatten(structure, leaves)


def test_kl_divergence_is_that_of_two_normals():
    """Against numerical integration of p ln(p / q)."""
    mu, sigma = 0.7, 0.4
    x = np.linspace(-8, 8, 200_001)
    p = np.exp(-0.5 * ((x - mu) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    log_ratio = -0.5 * ((x - mu) / sigma) ** 2 - np.log(sigma) + 0.5 * x**2
    integral = np.trapezoid(p * log_ratio, x)
    np.testing.assert_allclose(
        kl_to_unit_normal(jnp.asarray(mu**2), jnp.asarray(sigma)), integral, rtol=1e-5
    )


def test_a_closed_bottleneck_costs_nothing_and_any_other_something():
    closed = Bottleneck(jnp.zeros(3), jnp.log(jnp.full(3, 1 - 1e-4)))
    assert abs(float(closed.penalty(jnp.ones(3)))) < 1e-6
    assert float(Bottleneck.open(3).penalty(jnp.ones(3))) > 1.0


def before(model, batch, noise=None):
    """Latents before each trial."""
    return model.core.along(model.observed(batch), noise).before


def penalties(model, batch):
    """Nats per valid trial by kind, without noise."""
    observed = model.observed(batch)
    path = model.core.along(observed, None)
    subject = model.signal_networks.described(observed.subject).T
    return (
        model.core.penalties(path)
        | model.choice_network.penalties(path.received)
        | model.signal_networks.penalties(MeanSquares.of(path.before, observed, subject))
    )


def plain_penalties(model, batch):
    """The same, trial by trial: latents by `update`, each bottleneck by its own numbers."""

    def nats(x, multiplier, log_sigma):
        sigma = 1e-4 + np.exp(np.asarray(log_sigma, float))
        return (0.5 * ((np.asarray(multiplier) * x) ** 2 + sigma**2 - 1) - np.log(sigma)).sum()

    def through(bottleneck, x):
        return nats(x, bottleneck.multiplier, bottleneck.log_sigma)

    core, signals = model.core, model.signal_networks
    update = jax.jit(lambda state, choice, outcome: model.update(state, choice, outcome))
    found = {}
    for s, subject in enumerate(batch.subject):
        described, own = np.asarray(core.embedding[subject]), np.asarray(signals.embedding[subject])
        state = model.initial_state(jnp.asarray(subject))
        for t in np.flatnonzero(batch.valid[s]):
            choice, outcome = batch.choice[s, t], batch.outcome[s, t]
            z, seen = np.asarray(state.z), np.array([2.0 * choice - 1.0, *outcome])
            state = update(state, jnp.asarray(choice), jnp.asarray(outcome))
            n = model.n_signals
            for kind, value in {
                "latent": nats(np.asarray(state.z), 1.0, core.bottleneck.log_sigma),
                "update_latent": through(core.reader.latent, z),
                "update_observation": through(core.reader.observation, seen),
                "update_subject": through(core.reader.subject, described),
                "choice_latent": through(model.choice_network.reader.latent, z),
                "choice_subject": through(model.choice_network.reader.subject, described),
                "signal_latent": through(signals.reader.latent, z) / n,
                "signal_observation": through(signals.reader.observation, seen) / n,
                "signal_subject": through(signals.reader.subject, own) / n,
            }.items():
                found.setdefault(kind, []).append(value)
    return {kind: np.mean(values) for kind, values in found.items()}


def test_penalties_are_means_over_valid_trials_and_padding_is_free():
    """Each kind against a loop over the valid trials of each session."""
    model, batch = a_disrnn(), example_trials(2, 2).batch()
    found, expected = penalties(model, batch), plain_penalties(model, batch)
    kinds = {field.name for field in dataclasses.fields(Penalties)} - {"l2"}
    assert set(found) == set(expected) == kinds
    for kind, value in found.items():
        np.testing.assert_allclose(value, expected[kind], rtol=1e-4, err_msg=kind)
    pad = lambda a: np.pad(a, ((0, 0), (0, 7)) + ((0, 0),) * (a.ndim - 2))  # noqa: E731
    padded = batch._replace(
        choice=np.pad(batch.choice, ((0, 0), (0, 7)), constant_values=-1),
        **{f: pad(getattr(batch, f)) for f in ("outcome", "valid", "scored", "signal",
                                               "signal_scored")},
    )  # fmt: skip
    for kind, value in penalties(model, padded).items():
        np.testing.assert_allclose(value, found[kind], rtol=1e-5, err_msg=kind)


def test_a_latents_own_bottleneck_adds_noise_but_does_not_scale():
    own = Bottleneck.open(3, scaled=False)
    assert own.multiplier is None
    np.testing.assert_array_equal(own.gain, np.ones(3))
    scaled = Bottleneck(jnp.ones(3), own.log_sigma)
    mean_square = jnp.array([0.0, 0.5, 2.0])
    np.testing.assert_array_equal(own.penalty(mean_square), scaled.penalty(mean_square))


def with_noise(model, log_sigma):
    """The same model with other noise of the latents' own bottlenecks."""
    return eqx.tree_at(lambda m: m.core.bottleneck.log_sigma, model, log_sigma)


@pytest.mark.parametrize("n_choices", [2, 3])
def test_noise_has_the_stated_size(n_choices):
    """Over many sessions of one trial, the first update's spread is that of its bottlenecks."""
    model = a_disrnn(n_choices=n_choices, n_signals=0, embedding=0)
    model = eqx.tree_at(lambda m: m.core.reader.mlps.w_in, model, replace_fn=jnp.zeros_like)
    model = with_noise(model, jnp.log(jnp.array([0.1, 0.2, 0.5, 1])))
    n = 20_000
    trials = trials_from_arrays(
        np.zeros((n, 2), int),
        np.zeros((n, 2, 1)),
        names=TrialNames(choices=tuple(range(n_choices))),
    )
    batch = trials.batch()
    noisy = before(model, batch, NoiseSource(jax.random.key(0), jnp.ones(())))
    spread = np.asarray(noisy[1]).std(axis=1)
    expected = np.array([0.1, 0.2, 0.5, 1]) + 1e-4
    # 5 standard errors of a standard deviation.
    np.testing.assert_allclose(spread, expected, rtol=5 / np.sqrt(2 * n))


def test_scan_and_compiled_loop_agree(monkeypatch):
    model, trials = a_disrnn(), example_trials(2, 2)
    monkeypatch.setenv(VARIABLE, "scan")
    scan = model.unroll(trials.batch())
    monkeypatch.setenv(VARIABLE, "auto")
    auto = model.unroll(trials.batch())
    np.testing.assert_allclose(auto.choice_logits, scan.choice_logits, rtol=1e-5, atol=1e-5)
    monkeypatch.setenv(VARIABLE, "fastest")
    with pytest.raises(ConfigError, match="ACCUMBENS_LOOP is 'fastest'; choose auto, scan"):
        model.unroll(trials.batch())


WRONG_SHAPES = """
import equinox as eqx, jax, jax.numpy as jnp, numpy as np
from accumbens.errors import ConfigError
from accumbens.models.disrnn import DisRNN, DisRNNConfig
from accumbens.trials import trials_from_arrays

batch = trials_from_arrays(np.zeros((2, 5), int), np.zeros((2, 5, 1))).batch()
model = DisRNN.initial(DisRNNConfig(latents=2), key=jax.random.key(0))
for name in ("w_in", "b_in", "w_hidden", "b_hidden", "w_out", "b_out"):
    at = lambda m: getattr(m.core.reader.mlps, name)
    for axis in range(at(model).ndim):
        try:
            eqx.tree_at(at, model, jnp.concatenate([at(model)] * 2, axis)).unroll(batch)
        except ConfigError as error:
            print(error)
        else:
            print(name, axis)
"""


def test_compiled_code_meets_no_array_of_a_wrong_shape():
    """In a process of its own, without the checks of shapes that tests add everywhere."""
    done = subprocess.run([sys.executable, "-c", WRONG_SHAPES], capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == 3 + 2 + 4 + 3 + 3 + 2
    refused = "The arrays of a disRNN's core do not fit together: "
    assert [line for line in said if not line.startswith(refused)] == []


def test_latents_in_order_predict_the_same():
    model, trials = a_disrnn(), example_trials(2, 2)
    ordered = in_order(model)
    assert (np.diff(np.asarray(ordered.core.bottleneck.log_sigma)) >= 0).all()
    first, second = unroll(model, trials), unroll(ordered, trials)
    np.testing.assert_allclose(first.choice_logits, second.choice_logits, atol=1e-4)
    np.testing.assert_allclose(first.signals, second.signals, atol=1e-4)
    again = in_order(ordered)
    for a, b in zip(jax.tree.leaves(ordered), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(a, b)
    # The penalties belong to the same bottlenecks.
    found = penalties(ordered, trials.batch())
    for kind, value in penalties(model, trials.batch()).items():
        np.testing.assert_allclose(found[kind], value, rtol=1e-4, err_msg=kind)


def test_bottlenecks_are_all_listed_with_their_names():
    model = a_disrnn(n_signals=2, embedding=1)
    rows = bottlenecks(model)
    k, seen = 4, 2
    assert len(rows) == k + k * (k + seen + 1) + (k + 1) + 2 * (k + seen + 1)
    row = next(r for r in rows if (r.kind, r.reader, r.input) == ("update", "z_2", "reward"))
    assert row.sigma == pytest.approx(float(model.core.reader.observation.sigma[1, 1]))
    assert row.multiplier == pytest.approx(float(model.core.reader.observation.multiplier[1, 1]))
    closed = with_noise(model, jnp.array([0.0, -3.0, 0.0, -2.0]))
    assert open_latents(closed).tolist() == [1, 3]
    assert [r.openness for r in bottlenecks(closed)[:4]] == ["closed", "open", "closed", "open"]


def test_a_multiplier_of_zero_closes_whatever_sigma_is():
    model = a_disrnn()
    model = eqx.tree_at(
        lambda m: m.choice_network.reader.latent.multiplier, model, jnp.zeros((1, 4))
    )
    rows = [r for r in bottlenecks(model) if r.kind == "choice" and r.input.startswith("z_")]
    assert {r.openness for r in rows} == {"closed"}


def test_signal_networks_read_the_state_before_the_trial():
    """A change of one trial's outcome changes that trial's signal, but not its choice logits."""
    model, trials = a_disrnn(), example_trials(2, 2)
    other = trials.outcome.copy()
    other[0, 5] += 0.5
    changed = unroll(model, dataclasses.replace(trials, outcome=other))
    same = unroll(model, trials)
    assert trials.valid[0, 5]
    np.testing.assert_array_equal(changed.choice_logits[0, :6], same.choice_logits[0, :6])
    assert (changed.signals[0, 5] != same.signals[0, 5]).all()
    assert (changed.choice_logits[0, 6] != same.choice_logits[0, 6]).any()


def test_noise_of_choice_and_signal_networks_needs_a_key_and_repeats_with_it():
    model, batch = a_disrnn(), example_trials(2, 2).batch()
    z, observed = before(model, batch), model.observed(batch)
    subject = model.signal_networks.described(observed.subject).T
    source = NoiseSource(jax.random.key(1), jnp.ones(()))
    choices = lambda noise: model.choices_along(z, observed, noise)  # noqa: E731
    signals = lambda noise: model.signal_networks.along(z, observed, subject, noise)  # noqa: E731
    for answer in (choices, signals):
        np.testing.assert_array_equal(answer(source), answer(source))
        assert not np.allclose(answer(source), answer(None))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"latents": 0}, "disrnn.latents is 0; it must be at least 1"),
        ({"update_layers": -1}, "disrnn.update_layers is -1; it cannot be negative"),
    ],
)
def test_bad_architecture_is_refused(bad, message):
    with pytest.raises(ConfigError, match=message):
        DisRNNConfig(**bad)


def test_bad_penalty_is_refused():
    with pytest.raises(ConfigError, match=r"penalties\.latent is 30; .*was 1e-3 meant"):
        Penalties(latent=30.0)
    assert Penalties().scaled(2.0).latent == 2 * Penalties().latent
    assert Penalties().scaled(2.0).l2 == Penalties().l2
