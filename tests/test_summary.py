"""What users see of an object in a prompt and in a notebook."""

import re
import xml.dom.minidom

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import accumbens
from accumbens import TrialNames, trials_from_arrays
from accumbens.summary import MAX_ROWS, Summary, between, counted, listed, number, sizes, summarized

BAD = '<script>"&'


def cells(html: str) -> list[str]:
    """The texts of a well-formed piece of HTML."""
    found = []

    def walk(node):
        if node.nodeType == node.TEXT_NODE:
            found.append(node.data)
        for child in node.childNodes:
            walk(child)

    walk(xml.dom.minidom.parseString(html))
    return found


@pytest.fixture(scope="module")
def trials():
    names = TrialNames(
        choices=("left", "right"), outcomes=("reward",), signals=("dopamine", BAD),
        contexts=("p",), subjects=("M1", "M2", "absent"), sessions=("a", "b", "c"),
    )  # fmt: skip
    choice = np.array([[0, 1, 1, 1], [-1, 0, 1, 1], [1, 1, 1, 1]])
    signal = np.zeros((3, 4, 2))
    signal[0, :2, 1] = np.nan
    instructed = np.zeros((3, 4), bool)
    instructed[0, 3] = True
    return trials_from_arrays(
        choice, np.ones((3, 4, 1)), signal=signal, instructed=instructed, names=names,
        length=np.array([4, 4, 2]), subject=np.array([0, 0, 1]),
    )  # fmt: skip


def test_trials_show_what_is_in_them(trials):
    assert repr(trials) == str(trials) == (
        "Trials: 2 subjects, 3 sessions of 2 to 4 trials, 10 in all\n"
        "  subjects  M1, M2\n"
        "  choices   left: 22%, right: 78%; 1 missed; 1 instructed\n"
        "  outcomes  reward (mean 1)\n"
        f"  signals   dopamine (on 100%), {BAD} (on 75%)\n"  # 2 of 8 scored trials lack it
        "  context   p"
    )  # fmt: skip


def test_html_says_the_same_and_escapes_names(trials):
    html = trials._repr_html_()
    assert "<script>" not in html
    assert cells(html)[:3] == [repr(trials).splitlines()[0], "subjects", "M1, M2"]
    assert any(BAD in cell for cell in cells(html))
    assert " ".join(repr(trials).split()) == " ".join(" ".join(cells(html)).split())


def test_trials_without_a_choice_or_a_signal():
    empty = trials_from_arrays(np.full((1, 2), -1), np.zeros((1, 2, 1)))
    assert "choices   0, 1; 2 missed" in repr(empty)
    assert "signals   none" in repr(empty)
    assert repr(empty).startswith("Trials: 1 subject, 1 session of 2 trials, 2 in all")


def test_models_show_their_parameters():
    model = accumbens.DFQ(0.3, 0.1, 3.0, 1.0, gain=2.0, offset=0.5)
    assert repr(model) == (
        "DFQ: 2 choices, 1 signal\n"
        "  learning_rate       0.3\n"
        "  forgetting_rate     0.1\n"
        "  reward_strength     3\n"
        "  no_reward_strength  1\n"
        "  gain                2\n"
        "  offset              0.5"
    )
    assert repr(accumbens.BiasOnly(0.5)) == "BiasOnly: 2 choices, 0 signals\n  bias  0.5"
    many = eqx.filter_vmap(accumbens.BiasOnly)(jnp.arange(10.0))
    assert "bias  10 numbers" in repr(many)


def test_what_jax_traces_or_takes_apart_keeps_the_plain_repr(trials):
    seen = []

    @jax.jit
    def traced(x):
        model = accumbens.BiasOnly(x)
        seen.extend([repr(model), model._repr_html_()])
        return x

    traced(1.0)
    assert "bias=f32[]" in seen[0]
    assert seen[1] is None
    model = accumbens.BiasOnly(0.5)
    assert "bias=None" in repr(eqx.partition(model, eqx.is_array)[1])
    assert "bias=True" in repr(jax.tree.map(lambda _: True, model))
    assert "choice=True" in repr(jax.tree.map(lambda _: True, trials))


def test_a_comparison_is_a_table():
    task, key = accumbens.DriftingBandit(), jax.random.key(0)
    agent = accumbens.QLearning(0.3, 3.0, gain=1.0, offset=0.0)
    trials = accumbens.simulate(agent, task, n_sessions=4, n_trials=50, key=key)
    models = {"agent": agent, BAD: accumbens.BiasOnly(0.1)}
    found = accumbens.compare(models, trials, rng=np.random.default_rng(0), n_draws=100)
    title, heads, first, second, note = repr(found).splitlines()
    assert title == "Comparison of 2 models"
    assert re.split(r"\s{2,}", heads.strip()) == [
        "model", "normalized likelihood", "dopamine MSE", "dopamine R2"
    ]  # fmt: skip
    value, low, high = found.models["agent"].normalized_likelihood
    assert f"{value:.4g} ({low:.4g}, {high:.4g})" in first
    assert re.split(r"\s{2,}", second.strip())[2:] == ["–", "–"]
    assert note.strip() == "Intervals: 95%, Student's t, unit: session within subject."
    assert BAD in cells(found._repr_html_())
    assert repr(found.models["agent"]).startswith("Evaluation on 200 choices\n  normalized lik")


def test_fits_show_what_was_found():
    task, key = accumbens.DistractorRewards(), jax.random.key(0)
    agent = accumbens.StructureSavvy(0.3, 3.0)
    trials = accumbens.simulate(agent, task, n_sessions=4, n_trials=100, key=key)
    (fit,) = accumbens.fit_history(trials, n_lags=2)
    assert repr(fit).splitlines()[0] == (
        "History regression of subject_0: 4 sessions, 400 scored choices, 2 lags"
    )
    row = next(line.split() for line in repr(fit).splitlines() if "controllable " in line)
    assert float(row[1]) == pytest.approx(fit.by_type[1, 0], rel=1e-2)
    assert float(row[2]) == pytest.approx(fit.by_type[1].sum(), rel=1e-2)
    schedule = accumbens.credit.schedule_of(trials)
    test = accumbens.credit.structure_test(trials, schedule, seed=0, n_lags=2, resamples=19)
    assert repr(test).startswith(f"Randomization test of {test.name}: 19 resamples\n  subject")
    assert number(test.group_p_value()) in repr(test).splitlines()[2]
    likely = accumbens.fit_maximum_likelihood(accumbens.BiasOnly, trials, key=key, n_starts=1)
    lines = repr(likely).splitlines()
    assert lines[0] == "BiasOnly fitted to choice: 400 observations, 1 parameter"
    low, high = likely.parameters["bias"][2:4]
    assert lines[-1].split()[0] == "bias"
    assert f"({low:.4g}, {high:.4g})" in lines[-1]


@pytest.fixture(scope="module")
def disrnn():
    """z_2 is closed; z_1 reads the reward alone, and itself partly."""
    model = accumbens.DisRNN.initial(
        accumbens.models.DisRNNConfig(latents=2), signal_names=("dopamine",), key=jax.random.key(0)
    )
    closed, partly = 0.0, float(np.log(0.7))
    core = model.core
    noise = np.full((2, 4), -9.0)
    noise[0] = [partly, -9.0, closed, -9.0]  # inputs: z_1, z_2, choice, reward
    return eqx.tree_at(
        lambda m: (
            m.core.bottleneck.log_sigma,
            m.core.reader.latent.log_sigma, m.core.reader.latent.multiplier,
            m.core.reader.observation.log_sigma, m.core.reader.observation.multiplier,
        ),
        model,
        (
            jnp.array([[-9.0, closed]]).reshape(core.bottleneck.log_sigma.shape),
            jnp.asarray(noise[:, :2], jnp.float32), jnp.ones((2, 2)),
            jnp.asarray(noise[:, 2:], jnp.float32), jnp.ones((2, 2)),
        ),
    )  # fmt: skip


def test_a_disrnn_shows_what_is_open_and_read(disrnn):
    assert repr(disrnn) == (
        "DisRNN: 2 choices, 1 signal\n"
        "  latents              2; open: z_1\n"
        "  update of z_1 reads  z_1 (partly), reward\n"
        "  choice reads         z_1\n"
        "  dopamine reads       z_1, choice, reward"
    )
    assert "z_1 (partly), reward" in cells(disrnn._repr_html_())


def test_a_disrnn_that_is_not_whole_keeps_the_plain_repr(disrnn):
    seen = []
    jax.jit(lambda model: seen.append(repr(model)) or 0)(disrnn)
    stacked = jax.tree.map(lambda x: jnp.stack([x, x]), disrnn)
    matrices = eqx.filter(disrnn, jax.tree.map(lambda x: x.ndim > 1, disrnn))
    nothing = jax.tree.map(lambda _: None, disrnn)
    plain = [stacked, matrices, nothing, jax.eval_shape(lambda: disrnn)]
    for text in [*seen, *map(repr, plain)]:
        assert re.match(r"DisRNN\(\s+core=Core\(", text)


def test_a_fit_of_a_disrnn_shows_its_training(disrnn):
    history = {"choice": {"loss": np.array([0.7, 0.62])}}
    fit = accumbens.fit.DisRNNFit(disrnn, history, {"choice": 12.3})
    assert repr(fit).splitlines()[:2] == ["Fitted " + repr(disrnn).splitlines()[0],
                                          "  latents              2; open: z_1"]  # fmt: skip
    assert [line.split() for line in repr(fit).splitlines()[-2:]] == [
        ["stage", "steps", "loss", "at", "the", "end", "seconds"], ["choice", "2", "0.62", "12"]
    ]  # fmt: skip


def test_a_path_of_penalties_shows_each_factor():
    path = accumbens.fit.PenaltyPath(
        np.array([0.1, 1.0, 10.0]), np.array([-0.6, -0.5, -0.55]), np.array([0.01, 0.02, 0.03]),
        np.array([4.0, 2.5, 1.0]), 1, 2,
    )  # fmt: skip
    rows = [line.split() for line in repr(path).splitlines()[2:]]
    assert rows == [
        ["0.1", "-0.6", "0.01", "4"], ["1", "-0.5", "0.02", "2.5", "best"],
        ["10", "-0.55", "0.03", "1", "chosen"],
    ]  # fmt: skip
    assert repr(path._replace(chosen=1)).splitlines()[3].endswith("best, chosen")


def test_predictions_show_their_axes_and_names(trials):
    model = accumbens.QLearning(0.3, 3.0, gain=[1.0, 0.5], offset=[0.0, 0.0])
    found = accumbens.unroll(model, trials)
    assert repr(found) == (
        "Unrolled: a model's answer to every trial\n"
        "  choice_logits  3 sessions x 4 trials x 2 choices\n"
        "  signals        3 sessions x 4 trials x 2 signals\n"
        "  latents        Q_0, Q_1, prediction_error; each a number a trial"
    )
    seen = []
    jax.jit(lambda x: seen.append(repr(x)) or 0)(found)
    assert seen[0].startswith("Unrolled(choice_logits=")
    text = repr(accumbens.scoring.predict(model, trials))
    assert text.splitlines()[1].split(None, 1)[1] == "3 sessions x 4 trials x 2 choices"
    assert sizes(np.zeros((2, 3)), "trial") == "2 x 3"


def test_a_split_names_sessions_of_both_sides(trials):
    split = accumbens.scoring.every_nth(trials, 2, count="all-sessions")
    assert repr(split) == (
        "Split (every second session in order of subject and session): 2 sessions fitted, "
        "1 held out\n  fitted    M1/a, M2/c\n  held out  M1/b"
    )
    assert "3 sessions fitted, 3 scored, the same\n" in repr(
        accumbens.scoring.none_held_out(trials)
    )


def test_long_lists_are_counted():
    assert listed(range(9)) == "0, 1, 2, 3, 4, 5 and 3 more"
    assert listed([]) == "none"
    rows = [[str(i), "x"] for i in range(MAX_ROWS + 3)]
    text = Summary("t", table=[["n", "what"], *rows]).text()
    assert text.splitlines()[-1].strip() == "and 3 more"
    assert len(text.splitlines()) == 1 + 1 + MAX_ROWS + 1


def test_numbers():
    assert number(0.123456) == "0.1235"
    assert number([1, 2.5]) == "1, 2.5"
    assert number(np.zeros((4, 3))) == "4 x 3 numbers"
    assert between(0.5, 0.4, 0.6) == "0.5 (0.4, 0.6)"
    assert between(0.5, float("nan"), 0.6) == between(0.5, None, None) == "0.5"
    assert between(None, 0.4, 0.6) == between(float("nan"), 0.4, 0.6) == "–"
    assert (counted(1, "trial"), counted(2400, "trial")) == ("1 trial", "2,400 trials")


def test_notes_follow_the_table():
    @summarized
    class Small:
        def _summary(self):
            return Summary("small", [("a", "1"), ("long", "2")], notes=["mind <this>"])

    assert repr(Small()) == "small\n  a     1\n  long  2\n  mind <this>"
    assert "mind &lt;this&gt;" in Small()._repr_html_()
