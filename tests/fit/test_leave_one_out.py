"""Sessions and animals left out, against closed forms and fits made again by hand."""

import inspect

import jax
import numpy as np
import pytest

from accumbens.cohort import simulate_cohort
from accumbens.errors import ConfigError, DataError
from accumbens.fit.group.hierarchical import fit_hierarchical
from accumbens.fit.leave_one_out import leave_one_animal_out, leave_one_session_out
from accumbens.fit.likelihood.maximum_likelihood import fit_by_subject, fit_maximum_likelihood
from accumbens.models.bias import BiasOnly
from accumbens.models.q_learning import QLearning
from accumbens.scoring.metrics import pooled, predict, session_sums
from accumbens.tasks.bandits import DriftingBandit

KEY = jax.random.key(0)
BIASES = (0.2, 0.8, 1.6)


@pytest.fixture(scope="module")
def trials():
    """Three animals with three sessions each, and one of these without a free choice."""
    agents = [BiasOnly(b, gain=1.0, offset=b) for b in BIASES]
    found = simulate_cohort(
        agents, DriftingBandit(), n_sessions=3, n_trials=60, key=KEY, signal_noise=0.5
    )
    found.instructed[8] = True
    return found


def log_p(right, of):
    """Of choices under a probability of the right one."""
    made = of.choice[of.scored]
    return np.where(made == 1, np.log(right), np.log1p(-right)).sum()


def logit(p):
    return np.log(p / (1 - p))


def of_part(trials, sessions):
    return trials.select_sessions(np.array(sessions))


def others(trials, sessions):
    return of_part(trials, [i for i in range(8) if i not in sessions])


def scored(model, part):
    sums = pooled(session_sums(predict(model, part), part))
    return float(sums.log_likelihood[0]), float(sums.squared_error[0, 0])


def test_pooled_sessions_and_animals_by_frequencies(trials):
    by_session = leave_one_session_out(BiasOnly, trials, level="pooled", key=KEY)
    assert [row.name for row in by_session.rows] == list(trials.session_labels[:8])
    for i, row in enumerate(by_session.rows):
        rest = others(trials, [i])
        wanted = log_p((rest.choice == 1).mean(), of_part(trials, [i]))
        assert row.log_likelihood == pytest.approx(wanted, abs=1e-3)
        assert (row.n_choices, row.animal) == (60, trials.names.subjects[i // 3])
    total = sum(row.log_likelihood for row in by_session.rows)
    assert by_session.log_likelihood == pytest.approx(total)
    assert by_session.normalized_likelihood == pytest.approx(np.exp(total / 480))
    by_animal = leave_one_animal_out(BiasOnly, trials, level="pooled", key=KEY)
    for i, row in enumerate(by_animal.rows):
        sessions = list(range(3 * i, min(3 * i + 3, 8)))
        rest = others(trials, sessions)
        wanted = log_p((rest.choice == 1).mean(), of_part(trials, sessions))
        assert row.log_likelihood == pytest.approx(wanted, abs=1e-3)
        assert row.n_choices == 60 * len(sessions)


def test_separate_sessions_by_the_animals_others_and_animals_by_the_mean(trials):
    by_session = leave_one_session_out(BiasOnly, trials, level="separate", key=KEY)
    for i, row in enumerate(by_session.rows):
        own = [s for s in range(8) if s // 3 == i // 3 and s != i]
        wanted = log_p((of_part(trials, own).choice == 1).mean(), of_part(trials, [i]))
        assert row.log_likelihood == pytest.approx(wanted, abs=1e-3)
    by_animal = leave_one_animal_out(BiasOnly, trials, level="separate", key=KEY)
    sessions = [[0, 1, 2], [3, 4, 5], [6, 7]]
    biases = [logit((of_part(trials, s).choice == 1).mean()) for s in sessions]
    for i, row in enumerate(by_animal.rows):
        mean = np.mean([b for j, b in enumerate(biases) if j != i])
        wanted = log_p(1 / (1 + np.exp(-mean)), of_part(trials, sessions[i]))
        assert row.log_likelihood == pytest.approx(wanted, abs=1e-3)


def test_the_only_session_of_an_animal_is_predicted_by_the_others(trials):
    few = of_part(trials, [0, 1, 2, 3, 6])
    found = leave_one_session_out(BiasOnly, few, level="separate", key=KEY)
    own = [logit((of_part(few, s).choice == 1).mean()) for s in ([0, 1, 2], [4])]
    wanted = log_p(1 / (1 + np.exp(-np.mean(own))), of_part(few, [3]))
    assert found.rows[3].log_likelihood == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize("target", ["choice", "signal"])
def test_hierarchical_fits_are_made_again(trials, target):
    """Each as `fit_hierarchical` makes it of the other sessions, from a start of its own."""
    found = leave_one_session_out(BiasOnly, trials, target=target, key=KEY)
    for i in (0, 4, 7):
        fit = fit_hierarchical(BiasOnly, others(trials, [i]), target=target, key=KEY)
        log_likelihood, squares = scored(fit.model, of_part(trials, [i]))
        if target == "choice":
            assert found.rows[i].log_likelihood == pytest.approx(log_likelihood, abs=0.02)
        assert found.rows[i].squared_error[0] == pytest.approx(squares, rel=1e-3)
    if target == "choice":
        animals = leave_one_animal_out(BiasOnly, trials, key=KEY)
        fit = fit_hierarchical(BiasOnly, others(trials, [3, 4, 5]), key=KEY)
        wanted, _ = scored(fit.model, of_part(trials, [3, 4, 5]))
        assert animals.rows[1].log_likelihood == pytest.approx(wanted, abs=0.02)
    else:
        assert np.isnan(found.log_likelihood)
        assert "normalized_likelihood" not in found.as_dict()


def test_a_model_that_learns_with_parts_and_a_fixed_value(trials):
    options = {"free": ("side_bias",), "fixed": {"initial_value": 0.5}, "key": KEY}
    found = leave_one_session_out(QLearning, trials, level="pooled", **options)
    fit = fit_maximum_likelihood(QLearning, others(trials, [2]), **options)
    wanted, squares = scored(fit.model, of_part(trials, [2]))
    assert found.rows[2].log_likelihood == pytest.approx(wanted, abs=1e-2)
    errors = found.to_frame()["mse[dopamine]"].to_numpy()
    assert errors[2] == pytest.approx(squares / 60, rel=1e-3)
    own = leave_one_session_out(QLearning, trials, level="separate", **options)
    first = of_part(trials, [0, 1])
    fit = fit_by_subject(QLearning, first, **options)[trials.names.subjects[0]]
    assert own.rows[2].log_likelihood == pytest.approx(
        scored(fit.model, of_part(trials, [2]))[0], abs=1e-2
    )


def test_what_cannot_be_left_out(trials):
    with pytest.raises(ConfigError, match="level is 'both'; choose one of pooled, separate"):
        inspect.unwrap(leave_one_session_out)(BiasOnly, trials, level="both", key=KEY)
    with pytest.raises(DataError, match="1 sessions with scored choices, too few to leave one out"):
        leave_one_session_out(BiasOnly, of_part(trials, [0, 8]), level="pooled", key=KEY)
    two = of_part(trials, [0, 1, 3])
    with pytest.raises(DataError, match=r"2 animals.*at least 3 are needed, for a group of the"):
        leave_one_animal_out(BiasOnly, two, key=KEY)
