"""Contrasts of simulated cohorts: what is known of their numbers whatever the data."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, logit

from accumbens.cohort import simulate_cohort
from accumbens.fit.group.contrast import fitting
from accumbens.fit.group.contrast.fitting import fit_contrast
from accumbens.fit.group.contrast.terms import ContrastTerms
from accumbens.fit.group.terms import Terms
from accumbens.models.q_learning import QLearning
from accumbens.tasks.bandits import DriftingBandit

KEY = jax.random.key(0)
FIXED = {"initial_value": 0.5}
NAMES = ("learning_rate", "inverse_temperature")


def cohort(seed, shift=(0.0, 0.0), differ=0.0, n=6, within=True, n_sessions=2, n_trials=60):
    """Trials of n animals, and the level of each session. shift: on the unconstrained scale."""
    rng = np.random.default_rng(seed)
    middle = [logit(0.3), np.log(3.0)] + 0.4 * rng.standard_normal((n, 2))
    own = np.array(shift) + differ * rng.standard_normal((n, 2))
    animal = np.repeat(np.arange(n), 2) if within else np.arange(n)
    level = np.arange(len(animal)) % 2
    u = middle[animal] + (level - 0.5)[:, None] * own[animal]
    agents = [QLearning(expit(a), np.exp(b)) for a, b in u]
    trials = simulate_cohort(
        agents, DriftingBandit(), n_sessions=n_sessions, n_trials=n_trials, key=jax.random.key(seed)
    )
    cell = trials.subject
    names = dataclasses.replace(
        trials.names, subjects=tuple(f"m{i}" for i in range(n)),
        sessions=tuple(map(str, range(trials.n_sessions))),
    )  # fmt: skip
    trials = dataclasses.replace(trials, subject=animal[cell].astype(np.int32), names=names)
    return trials, dict(
        zip(trials.session_labels, np.array(["saline", "drug"])[level[cell]], strict=True)
    )


def fitted(trials, levels, **options):
    return fit_contrast(QLearning, trials, levels, key=KEY, n_starts=2, fixed=FIXED, **options)


@pytest.fixture(scope="module")
def within():
    return cohort(0, (1.5, 0.0), 0.3, n_trials=100)


@pytest.fixture(scope="module")
def fit(within):
    return fitted(*within)


def test_a_known_effect_is_found_and_its_numbers_agree(fit):
    rate, temperature = (fit.parameters[name] for name in NAMES)
    assert fit.within
    assert rate.shift_low < 1.5 < rate.shift_high
    assert rate.shift_low > 0
    assert temperature.shift_low < 0 < temperature.shift_high
    assert rate.difference == pytest.approx(rate.other - rate.reference)
    assert logit(rate.other) - logit(rate.reference) == pytest.approx(rate.shift)
    assert 0 < rate.low < rate.difference < rate.high < 1
    assert fit.animals.p_family["learning_rate"] == fit.animals.smallest_p == 2 / 2**6
    assert fit.sessions is not None
    assert fit.sessions.number == 6**6
    assert fit.sessions.p_family["learning_rate"] < 0.01
    assert fit.verdict.startswith("learning rate is higher at drug than at saline by 0.")
    assert fit.verdict.endswith("(over 6 animals).")
    assert {name: n["animals"] for name, n in fit.counts.items()} == {"saline": 6, "drug": 6}


def test_the_same_with_the_levels_turned_round(fit, within):
    turned = fitted(*within, compare=("drug", "saline"))
    for name in NAMES:
        there, back = fit.parameters[name], turned.parameters[name]
        assert back.shift == pytest.approx(-there.shift, abs=2e-3)
        assert back.shift_low == pytest.approx(-there.shift_high, abs=4e-3)
        assert turned.animals.p[name] == fit.animals.p[name]
        assert turned.sessions.p_family[name] == pytest.approx(
            fit.sessions.p_family[name], abs=0.02
        )


def test_levels_exchanged_in_one_animal_turn_the_sign_of_its_difference_alone(within, monkeypatch):
    """What makes the flips exact: the fit behind the test does not know which level is which."""
    trials, levels = within
    seen, test = [], fitting.exact_test

    def keep(null, unit, names, values, *others):
        seen.append(values)
        return test(null, unit, names, values, *others)

    monkeypatch.setattr(fitting, "exact_test", keep)
    fitted(trials, levels)
    other = {"saline": "drug", "drug": "saline"}
    fitted(trials, {k: other[v] if k.startswith("m2/") else v for k, v in levels.items()})
    first, sessions, second, sessions_again = seen
    sign = np.where(np.arange(6) == 2, -1, 1)[:, None]
    np.testing.assert_allclose(second, sign * first, atol=2e-3)
    np.testing.assert_allclose(sessions_again, sessions, atol=1e-9)


def test_middles_and_differences_follow_from_the_likelihood_at_each_level():
    """Score and information by the chain rule, against a function with known derivatives."""
    slope, curve = jnp.array([1.0, 2.0]), jnp.array([[2.0, 0.3], [0.3, 1.0]])

    def inner(u):
        log_p = u @ slope - 0.5 * jnp.einsum("cp,pq,cq->c", u, curve, u)
        n = len(u)
        return Terms(log_p, slope - u @ curve, jnp.broadcast_to(curve, (n, 2, 2)))

    with jax.enable_x64(True):
        of, x = jnp.array([0, 0, 1]), jnp.array([-0.5, 0.5, 0.5])
        terms = ContrastTerms(inner, of, x, 2)
        u = jax.random.normal(KEY, (2, 4))
        found = terms(u)
        slopes = jax.grad(lambda u: terms(u).log_p.sum())(u)
    np.testing.assert_allclose(found.score, slopes, rtol=1e-6)
    by = [np.hstack([np.eye(2), side * np.eye(2)]) for side in (-0.5, 0.5)]
    first, second = (j.T @ np.asarray(curve) @ j for j in by)
    np.testing.assert_allclose(found.information, [first + second, second], atol=1e-6)


def test_between_animals():
    fit = fitted(*cohort(1, (2.5, 0.0), n=8, within=False, n_sessions=4))
    assert not fit.within
    assert fit.sessions is None
    rate = fit.parameters["learning_rate"]
    assert rate.shift_low < 2.5 < rate.shift_high
    assert rate.freedom == pytest.approx(6, abs=0.5)
    assert np.isnan(rate.spread)
    assert fit.animals.number == 70
    assert fit.animals.smallest_p == 2 / 70
    assert fit.animals.p["learning_rate"] == 2 / 70
    own = fit.subjects_to_frame()
    assert (own["reference"].isna() != own["other"].isna()).all()
    assert fit.to_frame()["p_animals"].tolist() == list(fit.animals.p.values())


def test_few_animals_say_that_no_effect_can_be_told(fit):
    few = dataclasses.replace(fit, animals=fit.animals._replace(smallest_p=0.25))
    assert few.verdict == (
        "6 animals are too few for the exact test over animals: its smallest p is 0.25. "
        "Read the intervals."
    )
    silent = fit.animals._replace(p_family=dict.fromkeys(NAMES, 0.06))
    nothing = dataclasses.replace(fit, animals=silent)
    assert nothing.verdict == "No parameter is told apart over these 6 animals."


def test_gains_of_signals_are_compared_too():
    trials, levels = cohort(3)
    drug = np.array([levels[label] == "drug" for label in trials.session_labels])
    reward = trials.outcome[..., 0]
    noise = np.random.default_rng(0).standard_normal(reward.shape)
    signal = (reward - 0.5) * np.where(drug, 1.5, 0.5)[:, None] + 0.2 * noise
    trials = trials.with_signals(signal[..., None], ("dopamine",))
    fit = fitted(trials, levels, target="signal")
    gain = fit.parameters["gain[dopamine]"]
    assert gain.shift_low > 0
    assert gain.other > 2 * gain.reference
    assert fit.animals.p_family["gain[dopamine]"] == fit.animals.smallest_p


@pytest.mark.slow
@pytest.mark.parametrize("differ", [0.0, 0.5])
def test_without_an_effect_one_cohort_in_twenty_is_called_different(differ):
    """200 cohorts: the exact rate is 4.7 % (6 of 128 pairs of signs), so 3 to 19 of 200 come with a
    chance of 0.99; intervals leave zero out in as many."""
    p, outside = [], []
    for seed in range(200):
        fit = fitted(*cohort(seed, differ=differ, n=8))
        p.append([fit.animals.p[name] <= 0.05 for name in NAMES])
        outside.append([
            not e.shift_low <= 0 <= e.shift_high for e in map(fit.parameters.get, NAMES)
        ])  # fmt: skip
    assert np.all((np.sum(p, 0) >= 3) & (np.sum(p, 0) <= 19))
    assert np.all(np.sum(outside, 0) <= 22)
