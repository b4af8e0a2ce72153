import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from accumbens.errors import ConfigError
from accumbens.models.bias import BiasOnly
from accumbens.models.dfq import DFQ
from accumbens.models.gru import GRU
from accumbens.models.q_learning import QLearning
from accumbens.simulation import simulate, simulate_with_latents
from accumbens.tasks.bandits import DriftingBandit
from accumbens.threefry import threefry, uniforms

MODEL = QLearning(0.3, 3.0, gain=2.0, offset=0.5)
TASK = DriftingBandit()
KEY = jax.random.key(7)
SMALL = {"n_sessions": 7, "n_trials": 20, "key": KEY}


def arrays(trials):
    return [trials.choice, trials.outcome, trials.context, trials.signal, trials.subject]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_simulation_is_a_plain_loop_over_addressed_random_numbers():
    trials, latents = simulate_with_latents(MODEL, TASK, **SMALL)
    seed = jax.random.bits(KEY, (2,), jnp.uint32)
    for session in range(7):
        words = threefry((seed[0], seed[1]), (jnp.uint32(0), jnp.uint32(session)))
        draws = jax.vmap(lambda t, words=words: jnp.stack(uniforms(words, t, 4)))(
            jnp.arange(21, dtype=jnp.uint32)
        )
        p, q = np.array(draws[0][1:3], np.float64), [0.5, 0.5]
        for trial, (pick, paid, *steps) in enumerate(np.array(draws[1:], np.float64)):
            choice = int(pick >= 1 / (1 + np.exp(3 * (q[1] - q[0]))))
            reward = float(paid < p[choice])
            error = reward - q[choice]
            here = (session, trial)
            assert trials.choice[here] == choice
            assert trials.outcome[here] == reward
            np.testing.assert_allclose(trials.context[here], p, atol=1e-5)
            np.testing.assert_allclose([latents["Q_0"][here], latents["Q_1"][here]], q, atol=1e-5)
            np.testing.assert_allclose(latents["prediction_error"][here], error, atol=1e-5)
            q[choice] += 0.3 * error
            p = np.clip(p + 0.1 * stats.norm.ppf(steps), 0, 1)


def test_same_key_same_numbers():
    first, second = simulate(MODEL, TASK, **SMALL), simulate(MODEL, TASK, **SMALL)
    assert same(arrays(first), arrays(second))
    other = simulate(MODEL, TASK, **SMALL | {"key": jax.random.key(8)})
    assert not any(
        np.array_equal(a, b) for a, b in zip(arrays(first)[:4], arrays(other)[:4], strict=True)
    )


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 50])
def test_chunks_change_nothing(chunk):
    options = SMALL | {"signal_noise": 0.3, "subject": [0, 1, 1, 0, 2, 0, 1]}
    whole, latents = simulate_with_latents(MODEL, TASK, **options)
    parts, part_latents = simulate_with_latents(MODEL, TASK, chunk=chunk, **options)
    assert same(arrays(whole), arrays(parts))
    assert same(latents.values(), part_latents.values())


def test_a_session_is_the_same_however_many_are_simulated():
    few, many = simulate(MODEL, TASK, **SMALL), simulate(MODEL, TASK, **SMALL | {"n_sessions": 12})
    assert same(arrays(few), [array[:7] for array in arrays(many)])


def test_sessions_are_independent():
    trials = simulate(BiasOnly(0.0), DriftingBandit(0.0), n_sessions=2000, n_trials=10, key=KEY)
    neighbours = np.corrcoef(trials.choice[:-1, 0], trials.choice[1:, 0])[0, 1]
    arms = np.corrcoef(trials.context[:, 0].T)[0, 1]
    along = np.corrcoef(trials.choice[:, :-1].ravel(), trials.choice[:, 1:].ravel())[0, 1]
    assert abs(neighbours) < 4.5 / np.sqrt(2000)
    assert abs(arms) < 4.5 / np.sqrt(2000)
    assert abs(along) < 4.5 / np.sqrt(2000 * 9)


def test_q_values_settle_at_the_reward_probability():
    """At a fixed p, whenever it is chosen, Q averages p with variance a / (2 - a) p (1 - p)."""
    task, rate = DriftingBandit(0.0), 0.2
    model = QLearning(rate, 0.0)
    trials, latents = simulate_with_latents(model, task, n_sessions=2000, n_trials=200, key=KEY)
    p = trials.context[:, -1, 0]
    inside = (p > 0.05) & (p < 0.95)
    spread = np.sqrt(rate / (2 - rate) * p * (1 - p))
    surplus = ((latents["Q_0"][:, -1] - p) / spread)[inside]
    for moment, expected in ((surplus, 0.0), (surplus**2, 1.0)):
        assert abs(moment.mean() - expected) < 4.5 * moment.std() / np.sqrt(inside.sum())


def test_signal_is_gain_times_prediction_error_plus_offset():
    model = DFQ(0.4, 0.2, 2.0, 0.5, gain=[2.0, -1.0], offset=[0.5, 0.0])
    trials, latents = simulate_with_latents(model, TASK, **SMALL)
    assert list(latents) == ["Q_0", "Q_1", "prediction_error"]
    error = latents["prediction_error"]
    np.testing.assert_allclose(trials.signal[..., 0], 2.0 * error + 0.5, atol=1e-6)
    np.testing.assert_allclose(trials.signal[..., 1], -error, atol=1e-6)
    assert trials.names.signals == ("dopamine_0", "dopamine_1")


def test_noise_is_normal_with_the_given_sd_and_touches_the_signal_alone():
    model = QLearning(0.3, 3.0, gain=[1.0, 1.0], offset=[0.0, 0.0])
    options = {"n_sessions": 100, "n_trials": 50, "key": KEY}
    clean = simulate(model, TASK, **options)
    noisy = simulate(model, TASK, signal_noise=[0.5, 2.0], **options)
    assert same(arrays(clean)[:3], arrays(noisy)[:3])
    noise = noisy.signal - clean.signal
    for column, sd in enumerate((0.5, 2.0)):
        assert stats.kstest(noise[..., column].ravel() / sd, "norm").pvalue > 1e-4
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 4.5 / 70


def test_trials_say_what_they_hold():
    trials = simulate(MODEL, TASK, subject=1, **SMALL)
    assert trials.names.choices == (0, 1)
    assert trials.names.outcomes == ("reward",)
    assert trials.names.signals == ("dopamine",)
    assert trials.names.contexts == ("reward_probability_0", "reward_probability_1")
    assert trials.names.subjects == ("subject_0", "subject_1")
    assert (trials.subject == 1).all()
    assert trials.scored.all()
    np.testing.assert_array_equal(trials.number[3], np.arange(20))
    assert trials.outcome.dtype == trials.signal.dtype == trials.context.dtype == np.float64
    assert simulate(QLearning(0.3, 3.0), TASK, **SMALL).names.signals == ()
    named = simulate(MODEL, TASK, signal_names=["dlight"], **SMALL)
    assert named.names.signals == ("dlight",)


def test_each_session_is_simulated_as_its_subject():
    model = GRU(n_subjects=2, embedding=3, hidden=4, key=jax.random.key(0))
    _, mixed = simulate_with_latents(model, TASK, subject=[0, 1] * 5, n_sessions=10, n_trials=9,
                                     key=KEY, chunk=4)  # fmt: skip
    for subject in (0, 1):
        _, alone = simulate_with_latents(
            model, TASK, subject=subject, n_sessions=10, n_trials=9, key=KEY, chunk=4
        )
        np.testing.assert_array_equal(alone["h_0"][subject::2], mixed["h_0"][subject::2])
        assert (alone["h_0"][1 - subject :: 2, 1:] != mixed["h_0"][1 - subject :: 2, 1:]).all()


def test_new_numbers_do_not_compile_anew():
    traces = []

    class Counting(DriftingBandit):
        def step(self, state, choice, uniform):
            traces.append(1)
            return super().step(state, choice, uniform)

    simulate(MODEL, Counting(0.1), **SMALL)
    once = len(traces)
    assert once > 0
    simulate(
        QLearning(0.5, 1.0, gain=1.0, offset=1.0), Counting(0.2), signal_noise=0.1,
        **SMALL | {"key": jax.random.key(1)},
    )  # fmt: skip
    assert len(traces) == once


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_sessions": 0}, "n_sessions is 0; it must be at least 1"),
        ({"n_trials": -1}, "n_trials is -1; it must be at least 1"),
        ({"chunk": 0}, "chunk is 0; it must be at least 1"),
        ({"subject": [0, 1]}, r"subject has the shape \(2,\); it must be one number from 0 up, or"),
        ({"subject": -1}, r"subject has the shape \(\); it must be one number from 0 up"),
        (
            {"signal_noise": -1.0},
            r"signal_noise is -1.0; it must be one SD, or one for each of the 1",
        ),
        ({"signal_names": ["a", "b"]}, r"signal_names has 2 names \('a', 'b'\), but the model has"),
    ],
)
def test_what_cannot_be_simulated_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        simulate(MODEL, TASK, **SMALL | options)


def test_model_and_task_must_have_the_same_choices():
    with pytest.raises(
        ConfigError, match="model has 2 choices but the task has 3\\. Build the model"
    ):
        simulate(MODEL, DriftingBandit(n_arms=3), **SMALL)
