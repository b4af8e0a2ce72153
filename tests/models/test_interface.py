"""What every model must do, asked of every model in the table."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.models.base import Unrolled
from accumbens.simulation import simulate_with_latents
from accumbens.trials import trials_from_arrays
from accumbens.unrolling import choice_log_likelihood, squared_signal_errors, unroll
from helpers import oracles
from helpers.table import COGNITIVE, MODELS

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}

every_model = pytest.mark.parametrize("name", MODELS)
every_cognitive_model = pytest.mark.parametrize("name", COGNITIVE)


def model_and_trials(name):
    return MODELS[name].model, MODELS[name].example()


def log_p(unrolled):
    return np.asarray(jax.nn.log_softmax(unrolled.choice_logits))


def perturbed(model, factor=0.9):
    """Another model of the same kind."""
    return jax.tree.map(lambda x: x * factor if eqx.is_inexact_array(x) else x, model)


def assert_same_on(mask, first: Unrolled, second: Unrolled):
    np.testing.assert_allclose(log_p(first)[mask], log_p(second)[mask], **TOLERANCE)
    np.testing.assert_allclose(first.signals[mask], second.signals[mask], **TOLERANCE)
    assert first.latents.keys() == second.latents.keys()
    for key, latent in first.latents.items():
        np.testing.assert_allclose(latent[mask], second.latents[key][mask], **TOLERANCE)


@pytest.mark.parametrize("name", ["naive", "gru"])
def test_many_sessions_are_unrolled_in_parts(name, monkeypatch):
    model, trials = model_and_trials(name)
    whole = unroll(model, trials)
    n_sessions, n_trials = trials.choice.shape
    assert n_sessions % 3, "the last part is short"
    monkeypatch.setattr("accumbens.unrolling.AT_ONCE", 3 * n_trials + 1)
    parts = unroll(model, trials)
    assert parts.choice_logits.shape == whole.choice_logits.shape
    assert_same_on(trials.in_session, whole, parts)


@every_model
def test_unroll_is_a_plain_loop_over_trials(name):
    model, trials = model_and_trials(name)
    batch = trials.batch()
    result = unroll(model, trials)
    for session in (1, 2):  # a short one of the second subject; one with graded rewards
        state = model.initial_state(jnp.asarray(batch.subject[session]))
        for trial in range(trials.length[session]):
            choice = jnp.asarray(batch.choice[session, trial])
            outcome = jnp.asarray(batch.outcome[session, trial])
            valid = batch.valid[session, trial]
            expected = dict(model.latents(state))
            np.testing.assert_allclose(
                log_p(result)[session, trial],
                jax.nn.log_softmax(model.choice_logits(state)),
                **TOLERANCE,
            )
            signals = model.signals(state, choice, outcome) if valid else np.zeros(model.n_signals)
            np.testing.assert_allclose(result.signals[session, trial], signals, **TOLERANCE)
            for key, value in model.outcome_latents(state, choice, outcome).items():
                expected[key] = value if valid else np.nan
            got = {key: latent[session, trial] for key, latent in result.latents.items()}
            assert got.keys() == expected.keys()
            for key, value in expected.items():
                np.testing.assert_allclose(got[key], value, **TOLERANCE)
            if valid:
                state = model.update(state, choice, outcome)


@every_cognitive_model
def test_cognitive_model_equals_its_plain_python_twin(name):
    model, trials = model_and_trials(name)
    result = unroll(model, trials)
    batch = trials.batch()
    total = 0.0
    for session, length in enumerate(trials.length):
        choices = trials.choice[session, :length]
        p, errors = COGNITIVE[name].plain(choices, trials.outcome[session, :length])
        np.testing.assert_allclose(np.exp(log_p(result)[session, :length]), p, **TOLERANCE)
        np.testing.assert_allclose(
            result.latents["prediction_error"][session, :length], errors, **TOLERANCE
        )
        scored = trials.scored[session, :length]
        total += np.log(p[np.arange(length), choices][scored]).sum()
        signals = np.asarray(model.gain) * errors[:, None] + np.asarray(model.offset)
        np.testing.assert_allclose(
            result.signals[session, :length], np.where(np.isnan(signals), 0, signals), **TOLERANCE
        )
    likelihood = choice_log_likelihood(jnp.asarray(result.choice_logits), batch)
    np.testing.assert_allclose(likelihood.sum(), total, rtol=1e-5)


@pytest.mark.parametrize("name", ["gru", "gru_with_subjects"])
def test_gru_equals_plain_numpy(name):
    model, trials = model_and_trials(name)
    result = unroll(model, trials)
    for session, length in enumerate(trials.length):
        p, signals = oracles.gru(
            model,
            trials.choice[session, :length],
            trials.outcome[session, :length, 0],
            trials.subject[session],
        )
        np.testing.assert_allclose(np.exp(log_p(result)[session, :length]), p, **TOLERANCE)
        np.testing.assert_allclose(result.signals[session, :length], signals, **TOLERANCE)


@every_model
def test_missed_trials_hold_the_state(name):
    """Leaving a missed trial out changes nothing on the others."""
    model, trials = model_and_trials(name)
    made = trials.valid[0]
    assert not made.all()
    shorter = trials_from_arrays(
        trials.choice[:1, made],
        trials.outcome[:1, made],
        signal=trials.signal[:1, made],
        subject=trials.subject[:1],
        names=dataclasses.replace(trials.names, sessions=()),
    )
    whole, without = unroll(model, trials), unroll(model, shorter)
    assert_same_on(
        np.s_[0], jax.tree.map(lambda x: x[:1, made], whole), jax.tree.map(lambda x: x, without)
    )


@every_model
def test_instructed_trials_move_the_state_and_are_not_scored(name):
    model, trials = model_and_trials(name)
    free = dataclasses.replace(trials, instructed=np.zeros_like(trials.instructed))
    assert_same_on(trials.in_session, unroll(model, trials), unroll(model, free))
    likelihood = choice_log_likelihood(jnp.asarray(unroll(model, trials).choice_logits),
                                       trials.batch())  # fmt: skip
    forced = trials.instructed & trials.valid
    assert forced.any()
    assert (np.asarray(likelihood)[forced] == 0).all()
    assert (np.asarray(likelihood)[trials.scored] < 0).all()

    other_choice = np.where(forced, (trials.choice + 1) % trials.n_choices, trials.choice)
    other = dataclasses.replace(trials, choice=other_choice.astype(np.int32))
    first = np.argmax(forced[0])
    before, after = log_p(unroll(model, trials))[0], log_p(unroll(model, other))[0]
    np.testing.assert_array_equal(before[: first + 1], after[: first + 1])
    assert (np.abs(before - after)[first + 1] > 1e-4).any() == MODELS[name].remembers


@every_model
def test_padding_does_not_matter(name):
    model, trials = model_and_trials(name)
    alone = trials.select_sessions([1])
    assert alone.choice.shape[1] < trials.choice.shape[1]
    together = jax.tree.map(lambda x: x[1:2, : alone.choice.shape[1]], unroll(model, trials))
    assert_same_on(alone.in_session, together, unroll(model, alone))


@every_model
def test_simulated_choices_follow_the_models_probabilities(name):
    """Choices minus their probabilities sum to 0 within 4.5 standard deviations (a martingale)."""
    model = MODELS[name].model
    subject = [0, 1] * 100 if (model.n_subjects or 1) > 1 else 0
    trials, latents = simulate_with_latents(
        model, MODELS[name].task, n_sessions=200, n_trials=40, key=jax.random.key(3),
        subject=subject,
    )  # fmt: skip
    result = unroll(model, trials)
    p = np.exp(log_p(result))
    for choice in range(model.n_choices):
        surprise = (trials.choice == choice) - p[..., choice]
        spread = np.sqrt((p[..., choice] * (1 - p[..., choice])).sum())
        assert abs(surprise.sum()) < 4.5 * spread
    assert latents.keys() == result.latents.keys()
    for key, latent in latents.items():
        np.testing.assert_allclose(latent, result.latents[key], **TOLERANCE)
    np.testing.assert_allclose(trials.signal, result.signals, **TOLERANCE)


@every_model
def test_unroll_compiles_once(name):
    model, trials = model_and_trials(name)
    traces = []

    @eqx.filter_jit
    def traced(model, batch):
        traces.append(name)
        return model.unroll(batch)

    traced(model, trials.batch())
    traced(perturbed(model), MODELS[name].example(seed=1).batch())
    assert len(traces) == 1


@every_model
def test_models_can_be_mapped_over(name):
    model, trials = model_and_trials(name)
    batch = trials.batch()
    models = [model, perturbed(model), perturbed(model, 0.5)]
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *models)
    together = eqx.filter_jit(eqx.filter_vmap(lambda m: m.unroll(batch)))(stacked)
    for i, one in enumerate(models):
        assert_same_on(
            trials.in_session, jax.tree.map(lambda x, i=i: x[i], together), unroll(one, trials)
        )


@every_model
def test_gradients_are_finite_and_reach_every_parameter(name):
    model, trials = model_and_trials(name)
    batch = trials.batch()

    @eqx.filter_jit
    @eqx.filter_grad
    def gradient(model):
        result = model.unroll(batch)
        fit = choice_log_likelihood(result.choice_logits, batch).sum()
        return squared_signal_errors(result.signals, batch).sum() - fit

    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient(model)):
        assert np.isfinite(leaf).all(), path
        field = str(path[-1]).lstrip(".")
        unreached = "log_sigma" in field or field in MODELS[name].untrained  # no noise in `unroll`
        reached = (np.asarray(leaf) != 0).any()
        assert leaf.size == 0 or reached != unreached, path
