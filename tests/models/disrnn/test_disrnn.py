"""The disRNN: bottlenecks, the passes against trial-by-trial loops, and one order of latents."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.errors import ConfigError
from accumbens.models.disrnn import (
    DisRNN,
    DisRNNConfig,
    Penalties,
    bottlenecks,
    in_order,
    open_latents,
)
from accumbens.models.disrnn.bottleneck import Bottleneck, kl_to_unit_normal, noise_scale
from accumbens.models.disrnn.passes import NoiseSource, choice_pass, core_pass, signal_pass
from accumbens.models.disrnn.recurrence.choose import VARIABLE
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


def test_penalties_are_means_over_valid_trials_and_padding_is_free():
    """Each kind against a loop over the valid trials of each session."""
    model, trials = a_disrnn(), example_trials(2, 2)
    batch = trials.batch()
    core = core_pass(model, batch, None)
    states = np.asarray(core.before).transpose(2, 0, 1)
    after = np.concatenate([states[:, 1:], states[:, -1:]], axis=1)
    kl = lambda x, m, s: 0.5 * ((m * x) ** 2 + s**2 - 1) - np.log(s)  # noqa: E731
    update, own = model.update_reader, np.asarray(noise_scale(model.latent_log_sigma))
    expected = {"latent": [], "update_latent": [], "choice_latent": [], "update_observation": []}
    for session, trial in np.argwhere(batch.valid):
        z = states[session, trial]
        if trial + 1 < states.shape[1]:
            expected["latent"].append(kl(after[session, trial], 1.0, own).sum())
        seen = [2.0 * batch.choice[session, trial] - 1.0, *batch.outcome[session, trial]]
        expected["update_latent"].append(
            kl(z, np.asarray(update.latent.multiplier), np.asarray(update.latent.sigma)).sum()
        )
        expected["update_observation"].append(
            kl(np.array(seen), np.asarray(update.observation.multiplier),
               np.asarray(update.observation.sigma)).sum()
        )  # fmt: skip
        choice = model.choice_reader.latent
        expected["choice_latent"].append(
            kl(z, np.asarray(choice.multiplier), np.asarray(choice.sigma)).sum()
        )
    for kind in ("update_latent", "choice_latent", "update_observation"):
        np.testing.assert_allclose(core.penalties[kind], np.mean(expected[kind]), rtol=1e-4)
    # The last trial's new latents are not in `before`: compare where they are.
    wide = jnp.pad(batch.choice, ((0, 0), (0, 7)), constant_values=-1)
    pad = lambda a: np.pad(a, ((0, 0), (0, 7)) + ((0, 0),) * (a.ndim - 2))  # noqa: E731
    padded = batch._replace(
        choice=np.asarray(wide),
        **{f: pad(getattr(batch, f)) for f in ("outcome", "valid", "scored", "signal",
                                               "signal_scored")},
    )  # fmt: skip
    again = core_pass(model, padded, None).penalties
    for kind, value in core.penalties.items():
        np.testing.assert_allclose(again[kind], value, rtol=1e-5)


@pytest.mark.parametrize("n_choices", [2, 3])
def test_noise_has_the_stated_size(n_choices):
    """Over many sessions of one trial, the first update's spread is that of its bottlenecks."""
    model = a_disrnn(n_choices=n_choices, n_signals=0, embedding=0)
    model = eqx.tree_at(lambda m: m.update_reader.mlps.w_in, model, replace_fn=jnp.zeros_like)
    model = eqx.tree_at(lambda m: m.latent_log_sigma, model, jnp.log(jnp.array([0.1, 0.2, 0.5, 1])))
    n = 20_000
    trials = trials_from_arrays(
        np.zeros((n, 2), int),
        np.zeros((n, 2, 1)),
        names=TrialNames(choices=tuple(range(n_choices))),
    )
    batch = trials.batch()
    before = core_pass(model, batch, NoiseSource(jax.random.key(0), jnp.ones(()))).before
    spread = np.asarray(before[1]).std(axis=1)
    expected = np.asarray(noise_scale(model.latent_log_sigma))
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


def test_latents_in_order_predict_the_same():
    model, trials = a_disrnn(), example_trials(2, 2)
    ordered = in_order(model)
    assert (np.diff(np.asarray(ordered.latent_log_sigma)) >= 0).all()
    first, second = unroll(model, trials), unroll(ordered, trials)
    np.testing.assert_allclose(first.choice_logits, second.choice_logits, atol=1e-4)
    np.testing.assert_allclose(first.signals, second.signals, atol=1e-4)
    again = in_order(ordered)
    for a, b in zip(jax.tree.leaves(ordered), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(a, b)
    # The penalties belong to the same bottlenecks.
    for kind, value in core_pass(model, trials.batch(), None).penalties.items():
        np.testing.assert_allclose(
            core_pass(ordered, trials.batch(), None).penalties[kind], value, rtol=1e-4
        )


def test_bottlenecks_are_all_listed_with_their_names():
    model = a_disrnn(n_signals=2, embedding=1)
    rows = bottlenecks(model)
    k, seen = 4, 2
    assert len(rows) == k + k * (k + seen + 1) + (k + 1) + 2 * (k + seen + 1)
    row = next(r for r in rows if (r.kind, r.reader, r.input) == ("update", "z_2", "reward"))
    assert row.sigma == pytest.approx(float(model.update_reader.observation.sigma[1, 1]))
    assert row.multiplier == pytest.approx(float(model.update_reader.observation.multiplier[1, 1]))
    closed = eqx.tree_at(lambda m: m.latent_log_sigma, model, jnp.array([0.0, -3.0, 0.0, -2.0]))
    assert open_latents(closed).tolist() == [1, 3]
    assert [r.openness for r in bottlenecks(closed)[:4]] == ["closed", "open", "closed", "open"]


def test_a_multiplier_of_zero_closes_whatever_sigma_is():
    model = a_disrnn()
    model = eqx.tree_at(lambda m: m.choice_reader.latent.multiplier, model, jnp.zeros((1, 4)))
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
    before = core_pass(model, batch, None).before
    quiet = choice_pass(model, batch, before, None)
    source = NoiseSource(jax.random.key(1), jnp.ones(()))
    first, second = (choice_pass(model, batch, before, source) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.allclose(first, quiet)
    noisy, _ = signal_pass(model, batch, before, source)
    assert not np.allclose(noisy, signal_pass(model, batch, before, None)[0])


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
