"""The numbers behind the example session."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.figure import Figure

from accumbens.errors import ConfigError
from accumbens.figures.fit.example_session import draw_example_session, example_session_data
from accumbens.models.disrnn import DisRNNState
from accumbens.models.q_learning import QLearning
from accumbens.unrolling import unroll


@pytest.fixture(scope="module")
def trials(make_trials):
    arms = ("right_reward_prob", "left_reward_prob")
    return make_trials(codes=("left", "right"), contexts=("start_s", *arms))


@pytest.fixture(scope="module")
def model(make_model, trials):
    return make_model(trials, [0, 2])


def test_each_column_is_what_its_name_says(model, trials):
    s = 1
    data = example_session_data(model, trials, s)
    table = data.table()
    n = trials.length[s]
    assert len(table) == n
    state = DisRNNState(model.core.z_initial, jnp.asarray(0))
    choice_logits, signals, update = (
        jax.jit(lambda *x, method=method: getattr(model, method)(*x))
        for method in ("choice_logits", "signals", "update")
    )
    for t in range(n):
        row, choice = table.iloc[t], int(trials.choice[s, t])
        assert row["number"] == trials.number[s, t]
        assert row["choice"] == ("left", "right", "")[choice]
        p = jax.nn.softmax(choice_logits(state))
        assert row["p right"] == pytest.approx(float(p[1]), abs=1e-5)
        assert row["z_1"] == pytest.approx(float(state.z[0]), abs=1e-5)
        assert row["left_reward_prob"] == trials.context[s, t, 2]
        np.testing.assert_equal(row["measured dopamine"], trials.signal[s, t, 0])
        if choice < 0:
            assert np.isnan(row["predicted dopamine"])
            assert np.isnan(row["reward"])
            continue
        seen = (jnp.asarray(choice), jnp.asarray(trials.outcome[s, t], jnp.float32))
        signal = float(signals(state, *seen)[0])
        assert row["predicted dopamine"] == pytest.approx(signal, abs=1e-4)
        state = update(state, *seen)
    assert data.latents == ("z_1", "z_3")
    assert data.arms == ("left_reward_prob", "right_reward_prob")
    missed = int((trials.choice[s, :n] < 0).sum())
    assert missed > 0
    assert f"{n} trials, {missed} missed" in data.caption


def test_fit_is_over_free_choices_with_a_measured_signal(model, trials):
    s = 2
    data = example_session_data(model, trials, s)
    said = unroll(model, trials)
    x, y = [], []
    for t in range(trials.length[s]):
        free = trials.choice[s, t] >= 0 and not trials.instructed[s, t]
        if free and not np.isnan(trials.signal[s, t, 0]):
            x.append(float(said.signals[s, t, 0]))
            y.append(trials.signal[s, t, 0])
    fit = data.fits["dopamine"]
    assert fit.n_trials == len(x)
    mse = sum((a - b) ** 2 for a, b in zip(x, y, strict=True)) / len(x)
    assert fit.mse == pytest.approx(mse, rel=1e-5)
    dx, dy = np.array(x) - np.mean(x), np.array(y) - np.mean(y)
    r = (dx * dy).sum() / np.sqrt((dx**2).sum() * (dy**2).sum())
    assert fit.r == pytest.approx(r, abs=1e-6)


def test_the_session_of_median_likelihood_is_the_default(model, make_trials):
    trials = make_trials(codes=("left", "right"), n_sessions=5, seed=3)
    said = unroll(model, trials)
    score = []
    for s in range(5):
        log_p = [
            said.choice_logits[s, t, trials.choice[s, t]]
            - np.log(np.exp(said.choice_logits[s, t]).sum())
            for t in range(trials.length[s])
            if trials.choice[s, t] >= 0 and not trials.instructed[s, t]
        ]
        score.append(np.mean(log_p))
    median = sorted(range(5), key=score.__getitem__)[2]
    data = example_session_data(model, trials)
    assert data.label == trials.session_labels[median]
    assert "the session of median fit" in data.caption


def test_long_sessions_are_cut_and_say_so(model, trials):
    data = example_session_data(model, trials, 0, max_trials=10)
    assert len(data.trials) == 10
    assert f"10 trials (of {trials.length[0]})" in data.caption


def test_unmeasured_and_constant_signals_have_no_correlation(model, trials, check_drawn):
    empty = trials.with_signals(np.full_like(trials.signal, np.nan), ("dopamine",))
    data = example_session_data(model, empty, 0)
    assert np.isnan(data.fits["dopamine"].r)
    assert data.fits["dopamine"].n_trials == 0
    constant = trials.with_signals(np.ones_like(trials.signal), ("dopamine",))
    fit = example_session_data(model, constant, 0).fits["dopamine"]
    assert np.isnan(fit.r)
    assert fit.mse > 0
    fig = Figure()
    draw_example_session(data, fig)
    check_drawn(fig)


def test_any_model_can_be_shown(trials, check_drawn):
    model = QLearning(0.3, 3.0)
    data = example_session_data(model, trials, 0)
    said = unroll(model, trials)
    assert set(data.latents) == set(said.latents)
    fig = Figure()
    draw_example_session(data, fig)
    check_drawn(fig)


def test_what_is_not_there_cannot_be_shown(model, trials):
    with pytest.raises(ConfigError, match="There is no session number 9; the 4 sessions are"):
        example_session_data(model, trials, 9)
    with pytest.raises(ConfigError, match=r"does not predict the signal calcium; it predicts"):
        example_session_data(model, trials, 0, signals=["calcium"])
