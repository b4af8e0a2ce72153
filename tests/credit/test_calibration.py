"""The stated schedule beside the rewards that came: true ones pass, wrong ones are named."""

import itertools

import jax
import numpy as np
import pytest
from scipy import special

from accumbens.cohort import draw_agents, simulate_cohort
from accumbens.credit.calibration.alternatives import alternatives
from accumbens.credit.calibration.check import believe_schedule, calibrate_schedule
from accumbens.credit.calibration.past import LEAK, past_of
from accumbens.credit.calibration.rates import _slope
from accumbens.credit.randomization import distractor_test, structure_test
from accumbens.credit.schedule import Schedule, schedule_from_columns, schedule_of
from accumbens.errors import DataError
from accumbens.models.structured import StructureMixture
from accumbens.tasks.distractor import DistractorRewards
from accumbens.trials import TrialNames, trials_from_arrays

MEDIANS = {"learning_rate": 0.3, "inverse_temperature": 3.0, "structure_weight": 0.5}


def cohort(seed, *, mice=3, sessions=2, trials=150):
    key = jax.random.key(seed)
    agents = draw_agents(StructureMixture, MEDIANS, mice, 0.3, key=key)
    return simulate_cohort(
        agents, DistractorRewards(), n_sessions=sessions, n_trials=trials, key=key
    )


def drawn(outcome_of, seed=0, *, sessions=6, trials=200):
    """Trials of an animal that often repeats what was rewarded. `outcome_of(rng, choices before,
    this choice)` draws the controllable reward of a trial; p is 0.7 on the left and 0.4 on the
    right, and 0.5 of the distractor."""
    rng = np.random.default_rng(seed)
    choice, came = np.zeros((sessions, trials), int), np.zeros((sessions, trials, 2))
    for s in range(sessions):
        state: dict = {}
        for t in range(trials):
            stay = t > 0 and came[s, t - 1, 0] > 0 and rng.random() < 0.8
            choice[s, t] = choice[s, t - 1] if stay else rng.integers(2)
            came[s, t] = outcome_of(rng, state, choice[s, t]), rng.random() < 0.5
    names = TrialNames(outcomes=("juice", "tone"))
    made = trials_from_arrays(choice, came, names=names)
    return made, schedule_from_columns(made, {"juice": (0.7, 0.4), "tone": (0.5,)})


def independent(rng, state, choice):
    return rng.random() < (0.7, 0.4)[choice]


def baited(rng, state, choice):
    for side, p in enumerate((0.7, 0.4)):
        state[side] = state.get(side, False) or rng.random() < p
    taken, state[choice] = state[choice], False
    return taken


def decks(rng, state, choice):
    """Ten cards a side, 7 or 4 of them rewards."""
    if not state.get(choice):
        state[choice] = list(rng.permutation(np.arange(10) < (7, 4)[choice]))
    return state[choice].pop()


def reversing(rng, state, choice):
    if rng.random() < 1 / 30:
        state["turned"] = not state.get("turned", False)
    return rng.random() < (0.7, 0.4)[choice if not state.get("turned") else 1 - choice]


def changed(trials, change):
    schedule = schedule_of(trials)
    p = schedule.probability.copy()
    return Schedule(change(p), schedule.outcomes)


def _swap(p):
    p[:, :, 0] = p[:, :, 0, ::-1].copy()
    return p


def _fix(p):
    p[:, :, 0] = (0.8, 0.2)
    return p


def _mis_state(p):
    p[:, :, 1] = 0.3
    return p


def _extreme(p):
    p[:, :, 0] = np.where(p[:, :, 0] > 0.5, 0.95, 0.05)
    return p


def _early(p):
    return np.concatenate([p[:, 1:], p[:, -1:]], axis=1)


WRONG = {
    "columns of the choices .* are swapped": _swap,
    "fixed numbers are stated": _fix,
    r"'distractor' contradicts its own .* \(mis-stated\)": _mis_state,
    "columns of controllable and distractor are exchanged": lambda p: p[:, :, ::-1].copy(),
    "mis-stated: too far": _extreme,
    "one trial too early": _early,
}


@pytest.mark.parametrize("cause", WRONG)
def test_a_wrong_table_is_refused_with_its_cause_and_the_rates(cause):
    trials = cohort(0, sessions=6)
    schedule = changed(trials, WRONG[cause])
    for test in (distractor_test, structure_test):
        with pytest.raises(DataError, match=cause) as told:
            test(trials, schedule, seed=0, n_lags=2, resamples=9)
        assert "--trust-schedule" in str(told.value)
    found = calibrate_schedule(trials, schedule)
    for rate in found.rates:
        if rate.outcome == found.outcome:
            assert f"stated {rate.stated:.2f}, came {rate.observed:.2f} of {rate.trials:,}" in str(
                told.value
            )
    trusted = distractor_test(trials, schedule, seed=0, n_lags=2, resamples=9, trust_schedule=True)
    assert np.isfinite(trusted.p_values()).all()


@pytest.mark.parametrize(
    ("rule", "cause"),
    [(baited, "baiting: a reward"), (decks, "decks without"), (reversing, "fixed numbers")],
)
def test_rewards_that_are_no_independent_draws_are_refused_with_their_cause(rule, cause):
    believe_schedule(*drawn(independent))
    with pytest.raises(DataError, match=cause):
        believe_schedule(*drawn(rule, sessions=12))


def test_an_outcome_that_depends_on_the_other_is_refused():
    trials, schedule = drawn(independent)
    outcome = trials.outcome.copy()
    twice = (outcome[..., 0] > 0) & (outcome[..., 1] > 0)
    outcome[..., 1] = np.where(
        twice, np.random.default_rng(0).random(twice.shape) < 0.5, outcome[..., 1]
    )
    exclusive = trials_from_arrays(trials.choice, outcome, names=trials.names)
    with pytest.raises(DataError, match="whether juice came on the same trial"):
        believe_schedule(exclusive, schedule)


def test_one_wrong_session_or_subject_is_named():
    trials = cohort(1, mice=4, sessions=3, trials=200)
    schedule = schedule_of(trials)
    p = schedule.probability.copy()
    p[5, :, 0] = p[5, :, 0, ::-1].copy()
    found = calibrate_schedule(trials, Schedule(p, schedule.outcomes))
    assert found.where == f"in 1 session of 12, first in session {trials.session_labels[5]}"
    assert "swapped" in found.cause
    p[3:6, :, 0] = schedule.probability[3:6, :, 0, ::-1]
    found = calibrate_schedule(trials, Schedule(p, schedule.outcomes))
    assert trials.names.subjects[1] in found.where or "3 sessions of 12" in found.where


def test_true_tables_pass_and_the_mean_of_the_bets_is_1():
    """Markov's inequality over many small cohorts: E exceeds 20 in at most 1 of 20."""
    evidence = []
    for seed in range(60):
        trials, schedule = drawn(independent, seed, sessions=2, trials=60)
        evidence.append(calibrate_schedule(trials, schedule).evidence)
    assert max(evidence) < 3
    assert np.mean(np.array(evidence) > np.log10(20)) <= 0.05


def test_every_bet_has_the_mean_1_under_a_true_schedule():
    """By enumeration of all rewards of a short session, with choices that depend on rewards."""
    total: dict = {}
    for rewards in itertools.product((0, 1), repeat=8):
        came = np.array(rewards).reshape(1, 4, 2)
        choice = np.zeros((1, 4), int)
        for t in range(1, 4):  # win-stay by the first outcome, lose-shift
            choice[0, t] = choice[0, t - 1] if came[0, t - 1, 0] else 1 - choice[0, t - 1]
        trials = trials_from_arrays(
            choice, came.astype(float), names=TrialNames(outcomes=("a", "b"))
        )
        schedule = schedule_from_columns(trials, {"a": (0.8, 0.3), "b": (0.6,)})
        p = schedule.after(trials.choice)
        chance = np.prod(np.where(came > 0, p, 1 - p))
        for k in range(2):
            for i, a in enumerate(alternatives(trials, schedule, k)):
                if a.counts:
                    at = (k, i)
                    total[at] = total.get(at, 0.0) + chance * np.exp(a.log_ratio[:, 0])
    for values in total.values():
        np.testing.assert_allclose(values, 1.0, atol=1e-9)


def test_the_past_is_that_of_a_plain_loop():
    rng = np.random.default_rng(3)
    choice = rng.integers(-1, 2, (2, 30))
    came, p = rng.random((2, 30)) < 0.5, rng.uniform(0.2, 0.8, (2, 30, 2))
    found = past_of(choice, came, p)
    for s in range(2):
        residuals, waiting = [], {0: [], 1: []}
        for t, c in enumerate(choice[s]):
            if c < 0:
                assert all(series[s, t] == 0 for series in found)
                continue
            any_, here = [r for _, r in residuals], [r for b, r in residuals if b == c]
            for series, old in ((found.recent, any_), (found.recent_here, here)):
                leaky = sum(r * LEAK**i for i, r in enumerate(reversed(old)))
                np.testing.assert_allclose(series[s, t], leaky, atol=1e-12)
            np.testing.assert_allclose(found.previous[s, t], any_[-1] if any_ else 0)
            waiting[c].append(p[s, t, c])
            np.testing.assert_allclose(found.baited[s, t], 1 - np.prod(1 - np.array(waiting[c])))
            waiting[c] = []
            waiting[1 - c].append(p[s, t, 1 - c])
            residuals.append((c, came[s, t] - p[s, t, c]))


def test_sum_slope_and_rates_are_those_of_a_plain_computation():
    trials = cohort(2)
    schedule = schedule_of(trials)
    found = calibrate_schedule(trials, schedule)
    p, r = schedule.after(trials.choice)[..., 0], trials.outcome[..., 0]
    first = found.outcomes[0]
    np.testing.assert_allclose(first.z, (r - p).sum() / np.sqrt((p * (1 - p)).sum()), rtol=1e-6)
    x = np.stack([np.ones(p.size), special.logit(p.ravel())], axis=1)
    w = np.zeros(2)
    for _ in range(30):
        q = special.expit(x @ w)
        hessian = x.T @ (x * (q * (1 - q))[:, None])
        w = w + np.linalg.solve(hessian, x.T @ (r.ravel() - q))
    np.testing.assert_allclose(first.slope, w[1], rtol=1e-6)
    np.testing.assert_allclose(first.slope_error, np.sqrt(np.linalg.inv(hessian)[1, 1]), rtol=1e-6)
    assert sum(rate.trials for rate in found.rates) == 2 * trials.valid.sum()
    for rate in found.rates[:4]:
        c = trials.names.choices.index(int(rate.choice))
        here = (trials.choice == c) & (np.abs(p - rate.stated) < 1e-6)
        assert rate.trials == here.sum()
        assert rate.observed == r[here].mean()


def test_percent_are_recognised():
    trials = cohort(3, mice=1)
    with pytest.raises(DataError, match="look like percent; divide them by 100"):
        calibrate_schedule(trials, changed(trials, lambda p: p * 100))


def test_with_nothing_to_redraw_there_is_no_p_value():
    rng = np.random.default_rng(0)
    choice = rng.integers(0, 2, (2, 60))
    came = np.stack([choice == 1, np.ones_like(choice, bool)], axis=-1).astype(float)
    trials = trials_from_arrays(
        choice,
        came,
        names=TrialNames(outcomes=("a", "b"), subjects=("x", "y")),
        subject=np.arange(2),
    )
    schedule = schedule_from_columns(trials, {"a": (0.0, 1.0), "b": (1.0,)})
    test = structure_test(trials, schedule, seed=0, n_lags=2, resamples=9)
    assert test.redrawn == (0, 0)
    assert np.isnan(test.p_values()).all()
    assert np.isnan(test.group_p_value())
    assert "nothing to redraw in all subjects" in repr(test)
    half = schedule_from_columns(trials, {"a": (0.0, 1.0), "b": (1.0,)})
    p = half.probability.copy()
    p[0, :, 1] = 0.5
    some = distractor_test(
        trials, Schedule(p, half.outcomes), seed=0, n_lags=2, resamples=9, trust_schedule=True
    )
    assert some.redrawn == (60, 0)
    assert np.isnan(some.p_values()[1])
    assert np.isfinite(some.group_p_value())
    assert "nothing to redraw in y, so" in some.nothing_to_redraw()


@pytest.mark.parametrize("came", [[0, 0, 0, 1, 1, 1], [0, 0, 1, 0, 1, 1], [0, 0, 0, 0, 1, 1]])
def test_separated_rewards_have_no_slope(came):
    """At the higher probability all came, or at the lower none: no finite maximum."""
    slope, error = _slope(np.array([0.1, 0.1, 0.1, 0.9, 0.9, 0.9]), np.array(came))
    finite = came == [0, 0, 1, 0, 1, 1]
    assert np.isfinite(slope) == np.isfinite(error) == finite
