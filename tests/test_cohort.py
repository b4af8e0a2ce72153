"""Cohorts: how their parameters vary, and that each subject is its own simulation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from accumbens.cohort import draw_agents, shared_out, simulate_cohort
from accumbens.errors import ConfigError
from accumbens.fit.likelihood.parameter_space import parameter_space
from accumbens.models.bias import BiasOnly
from accumbens.models.history import HistoryRegression
from accumbens.models.structured import StructureMixture
from accumbens.models.two_process import TwoProcess
from accumbens.simulation import simulate
from accumbens.tasks.distractor import DistractorRewards

KEY = jax.random.key(4)
MIXED = {"learning_rate": 0.3, "inverse_temperature": 3.0, "structure_weight": 0.6}
UTILITIES = {"controllable_utility": 0.8, "distractor_utility": 0.1, "nothing_utility": -0.4}
HABITS = {"habit_rate": 0.1, "habit_strength": 1.0}
TWO_PROCESS = {"learning_rate": 0.5, "inverse_temperature": 1.5, **UTILITIES, **HABITS}


def parameters(agents):
    return np.array([[getattr(a, name) for name in type(a).parameters] for a in agents])


@pytest.mark.parametrize(
    ("kind", "medians"), [(StructureMixture, MIXED), (TwoProcess, TWO_PROCESS)]
)
def test_parameters_are_normal_about_their_medians_on_the_scale_of_the_fit(kind, medians):
    drawn = parameters(draw_agents(kind, medians, 400, 0.5, key=KEY)).astype(float)
    space = parameter_space(kind, 2)
    with jax.enable_x64(True):
        middle = space.unconstrained(np.array(list(medians.values())))
        z = (np.asarray(space.unconstrained(drawn)) - np.asarray(middle)) / 0.5
    for column in z.T:
        assert stats.kstest(column, "norm").pvalue > 1e-3
    between = np.corrcoef(z.T)[np.triu_indices(z.shape[1], 1)]
    assert (np.abs(between) < 4 / np.sqrt(len(z))).all()


def test_each_entry_of_a_vector_is_drawn():
    bias = np.array([a.bias for a in draw_agents(BiasOnly, {"bias": [0.5, -1.0]}, 300, 0.4, key=KEY,
                                                 n_choices=3)])  # fmt: skip
    z = (bias - [0.5, -1.0]) / 0.4
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3
    assert abs(np.corrcoef(z.T)[0, 1]) < 4 / np.sqrt(300)


def test_without_spread_all_are_the_agent_named_and_bounds_are_kept():
    for agent in draw_agents(StructureMixture, MIXED, 3, 0.0, key=KEY, gain=2.0, offset=0.5):
        np.testing.assert_allclose(parameters([agent])[0], list(MIXED.values()), rtol=1e-6)
        assert (agent.gain.tolist(), agent.offset.tolist()) == ([2.0], [0.5])
    for bound in (0.0, 1.0):
        agents = draw_agents(StructureMixture, MIXED | {"structure_weight": bound}, 5, 1.0, key=KEY)
        drawn = parameters(agents)
        assert (drawn[:, 2] == bound).all()
        assert len(np.unique(drawn[:, :2])) == 10


def test_a_subject_is_the_same_whatever_the_size_of_the_cohort():
    few, many = (draw_agents(StructureMixture, MIXED, n, 0.3, key=KEY) for n in (3, 5))
    np.testing.assert_array_equal(parameters(few), parameters(many)[:3])
    assert not np.array_equal(
        parameters(few), parameters(draw_agents(StructureMixture, MIXED, 3, 0.3,
                                                key=jax.random.key(5)))
    )  # fmt: skip
    task, options = DistractorRewards(), {"n_trials": 20, "key": KEY}
    first = simulate_cohort(few, task, n_sessions=2, **options)
    second = simulate_cohort(many, task, n_sessions=[2, 2, 2, 1, 4], **options)
    for field in ("choice", "outcome", "context"):
        np.testing.assert_array_equal(getattr(first, field), getattr(second, field)[:6])


def test_a_cohort_is_one_simulation_a_subject():
    agents = draw_agents(StructureMixture, MIXED, 3, 0.5, key=KEY, gain=1.0, offset=0.0)
    trials = simulate_cohort(
        agents, DistractorRewards(), n_sessions=(3, 1, 2), n_trials=25, key=KEY
    )
    assert trials.names.subjects == ("mouse_01", "mouse_02", "mouse_03")
    assert trials.names.sessions == ("0", "1", "2", "0", "0", "1")
    assert trials.names.outcomes == ("controllable", "distractor")
    assert trials.subject.tolist() == [0, 0, 0, 1, 2, 2]
    for i, agent in enumerate(agents):
        alone = simulate(
            agent, DistractorRewards(), n_sessions=int((trials.subject == i).sum()), n_trials=25,
            key=jax.random.fold_in(KEY, i),
        )  # fmt: skip
        for field in ("choice", "outcome", "signal", "context"):
            own = getattr(trials, field)[trials.subject == i]
            np.testing.assert_array_equal(own, getattr(alone, field))


def test_other_subjects_do_not_compile_anew():
    traces = []

    class Counting(DistractorRewards):
        def step(self, state, choice, uniform):
            traces.append(1)
            return super().step(state, choice, uniform)

    for seed, n_subjects in ((0, 1), (1, 5)):
        agents = draw_agents(StructureMixture, MIXED, n_subjects, 0.3, key=jax.random.key(seed))
        simulate_cohort(agents, Counting(), n_sessions=2, n_trials=5, key=KEY)
        if n_subjects == 1:
            once = len(traces)
    assert once == len(traces) > 0


def test_sessions_are_shared_out_as_evenly_as_can_be():
    assert shared_out(198, 12) == (17,) * 6 + (16,) * 6
    assert shared_out(3, 3) == (1, 1, 1)
    for total, subjects in ((2, 3), (3, 0), (3, -1)):
        with pytest.raises(
            ConfigError, match=f"{total} sessions cannot be divided among {subjects}"
        ):
            shared_out(total, subjects)


@pytest.mark.parametrize(
    ("subjects", "spread"), [(0, 0.3), (2, -0.1), (2, float("nan")), (2, 3000.0)]
)
def test_impossible_cohorts_are_refused(subjects, spread):
    message = f"n_subjects is {subjects} and spread is {spread}; there must be at least one"
    with pytest.raises(ConfigError, match=message):
        draw_agents(StructureMixture, MIXED, subjects, spread, key=KEY)


def test_mistaken_names_and_numbers_are_refused():
    with pytest.raises(ConfigError, match="StructureMixture has no parameter weight; its param"):
        draw_agents(StructureMixture, MIXED | {"weight": 0.5}, 2, 0.3, key=KEY)
    agents = draw_agents(StructureMixture, MIXED, 2, 0.3, key=KEY)
    options = {"n_trials": 5, "key": KEY}
    with pytest.raises(ConfigError, match="There are 2 agents, 3 numbers of sessions and 2 names"):
        simulate_cohort(agents, DistractorRewards(), n_sessions=[1, 1, 1], **options)
    with pytest.raises(ConfigError, match="There are 0 agents, 0 numbers of sessions and 0 names"):
        simulate_cohort([], DistractorRewards(), n_sessions=1, **options)
    with pytest.raises(ConfigError, match="Two subjects have the same name: a, a"):
        simulate_cohort(agents, DistractorRewards(), n_sessions=1, names=["a", "a"], **options)


def test_a_model_that_tells_subjects_apart_is_each_of_them_in_turn():
    """Two subjects, one of whom goes right nearly always and the other left."""
    model = HistoryRegression(jnp.array([6.0, -6.0]), jnp.zeros((2, 4, 1)))
    options = {"n_sessions": 2, "n_trials": 50, "key": KEY}
    trials = simulate_cohort([model, model], DistractorRewards(), **options)
    right = (trials.choice == 1).mean(1)
    assert (right[:2] > 0.9).all()
    assert (right[2:] < 0.1).all()
    assert trials.subject.tolist() == [0, 0, 1, 1]
    with pytest.raises(
        ConfigError, match="The model has 2 subjects, fewer than the 3 of the cohort"
    ):
        simulate_cohort([model] * 3, DistractorRewards(), **options)
