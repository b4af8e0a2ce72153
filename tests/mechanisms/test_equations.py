"""Equations of models whose equations are known, against those and against plain least squares."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import accumbens
from accumbens.errors import ConfigError, DataError
from accumbens.mechanisms import distill, refit_equations, terms_over_fits
from accumbens.mechanisms.equations.distillation import RULE_TOLERANCE
from accumbens.mechanisms.equations.library import update_library
from accumbens.mechanisms.equations.points import points_of
from accumbens.models.disrnn import DisRNNConfig
from accumbens.models.reward_habit import RewardHabit
from accumbens.unrolling import choice_log_likelihood

BANDIT, DISTRACTOR = accumbens.DriftingBandit(), accumbens.DistractorRewards()
FORGETTING = accumbens.QLearning(0.3, 3.0, initial_value=0.5, forgetting_rate=0.15)
TWO_PROCESS = accumbens.TwoProcess(0.5, 1.5, 0.8, 0.1, -0.4, 0.1, 1.0)


def simulated(agent, task, n_sessions=12, seed=0):
    return accumbens.simulate(
        agent, task, n_sessions=n_sessions, n_trials=60, key=jax.random.key(seed)
    )


def distilled(agent, task, **options):
    options = {"rng": np.random.default_rng(0), "n_draws": 4} | options
    return distill(agent, simulated(agent, task), **options)


def weights(found):
    """(latent, term) -> weight of all updates."""
    frame = found.term_frame()
    return {(row.of, row.term): row.weight for row in frame.itertuples() if row.rule == "update"}


def parameters(found):
    return {(row.of, row.name, row.after): row.value for row in found.parameters()}


def test_a_forgetting_update_comes_back_exactly():
    found = distilled(FORGETTING, BANDIT)
    expected = {}
    for own, other in ((0, 1), (1, 0)):
        expected |= {
            (f"Q_{own}", f"[{own}] reward"): 0.3,
            (f"Q_{own}", f"[{own}] Q_{own}"): -0.3,
            (f"Q_{own}", f"[{other}]"): 0.15 * 0.5,
            (f"Q_{own}", f"[{other}] Q_{own}"): -0.15,
        }
    assert weights(found) == pytest.approx(expected, abs=1e-4)
    assert parameters(found) == pytest.approx(
        {
            ("Q_0", "learning rate", "0"): 0.3,
            ("Q_0", "utility", "0, no reward"): 0.0,
            ("Q_0", "utility", "0, reward"): 1.0,
            ("Q_0", "forgetting rate", "1"): 0.15,
            ("Q_0", "forgotten to", "1"): 0.5,
            ("Q_1", "learning rate", "1"): 0.3,
            ("Q_1", "utility", "1, no reward"): 0.0,
            ("Q_1", "utility", "1, reward"): 1.0,
            ("Q_1", "forgetting rate", "0"): 0.15,
            ("Q_1", "forgotten to", "0"): 0.5,
            ("choice", "inverse temperature of Q_0", "1"): -3.0,
            ("choice", "inverse temperature of Q_1", "1"): 3.0,
        },
        abs=2e-3,
    )
    assert (found.term_frame()["inclusion"] == 1).all()
    assert found.text().split("\n")[:3] == [
        "Q_0: 1 is where reward draws it, 0 where no reward does; at the start 0.500",
        "  after 0: Q_0 <- (1 - 0.300) Q_0 + 0.300 u; "
        "u = 0.000 after no reward, 1.000 after reward",
        "  after 1: Q_0 <- (1 - 0.150) Q_0 + 0.150 x 0.500",
    ]
    assert "the equations say of the choices what the network does" in found.verdict()


@pytest.mark.parametrize(
    ("agent", "task", "terms"),
    [
        (accumbens.StructureSavvy(0.3, 3.0), DISTRACTOR, {"controllable": 0.3, "z": -0.3}),
        (
            accumbens.StructureNaive(0.3, 3.0),
            DISTRACTOR,
            {"controllable": 0.3, "distractor": 0.3, "controllable distractor": -0.3, "z": -0.3},
        ),
    ],
)
def test_what_is_credited_shows_in_the_terms(agent, task, terms):
    found = distilled(agent, task, n_draws=0)
    expected = {
        (f"Q_{i}", f"[{i}] " + (f"Q_{i}" if term == "z" else term)): weight
        for i in (0, 1)
        for term, weight in terms.items()
    }
    assert weights(found) == pytest.approx(expected, abs=1e-4)


def test_two_processes_read_as_signed_values_and_a_habit():
    found = distilled(TWO_PROCESS, DISTRACTOR, n_draws=0)
    read = parameters(found)
    utilities = {"none": -0.4, "distractor": 0.1, "controllable": 0.8, "both": 1.0}
    for outcome, utility in utilities.items():
        assert read["Q_0", "utility", f"any choice, {outcome}"] == pytest.approx(utility, abs=1e-3)
    assert read["Q_0", "learning rate", "any choice"] == pytest.approx(0.5, abs=1e-4)
    # beta (Q_1 - Q_0) = 2 beta Q_1, as the two values are opposite; so are the two habits less 1/2
    assert read["choice", "inverse temperature of Q_0", "1"] == pytest.approx(3.0, abs=1e-2)
    assert read["H_0", "habit rate", "any choice"] == pytest.approx(0.1, abs=1e-4)
    strength = sum(v for (_, name, _), v in read.items() if name.startswith("perseveration"))
    assert strength == pytest.approx(1.0, abs=1e-2)
    # the other value says the same once more
    assert "Q_1: nothing reads it" in found.text()
    assert not [key for key in read if key[0] == "Q_1"]


def test_an_equation_agrees_with_least_squares_on_its_terms():
    agent = accumbens.DFQ(0.4, 0.2, 3.0, 0.5)
    trials = simulated(agent, BANDIT)
    found = distill(agent, trials, rng=np.random.default_rng(0), n_draws=0)
    q = accumbens.unroll(agent, trials).latents["Q_1"].astype(float)
    before, after = q[:, :-1].ravel(), q[:, 1:].ravel()
    choice, reward = trials.choice[:, :-1].ravel(), trials.outcome[:, :-1, 0].ravel()
    # in the unit in which reward draws the value to 1 and no reward to 0
    zero, one = found.scales[1].zero, found.scales[1].one
    z, moved = (before - zero) / (one - zero), (after - zero) / (one - zero)
    chosen = (choice == 1).astype(float)
    design = np.column_stack([chosen * reward, chosen * z, (1 - chosen), (1 - chosen) * z])
    solved = np.linalg.lstsq(design, moved - z, rcond=None)[0]
    assert (zero, one) == pytest.approx((-0.5, 3.0), abs=1e-3)
    names = ["[1] reward", "[1] Q_1", "[0]", "[0] Q_1"]
    mine = {term: w for (of, term), w in weights(found).items() if of == "Q_1"}
    assert mine == pytest.approx(dict(zip(names, solved, strict=True)), abs=1e-5)


def test_thresholded_least_squares_finds_the_same_terms():
    """STLSQ in a few lines, on the same library."""
    trials = simulated(FORGETTING, BANDIT)
    points = points_of(FORGETTING, trials)
    library = update_library(points, "made", 1, 1, 2, 3)
    features, change = library.features(points), points.after[:, 1] - points.before[:, 1]
    kept = np.ones(library.n, bool)
    for _ in range(20):
        solved = np.zeros(library.n)
        solved[kept] = np.linalg.lstsq(features[:, kept], change, rcond=None)[0]
        kept = np.abs(solved) > 0.02
    terms = np.column_stack(
        [library.latent_power[kept], library.choice_factor[kept], library.outcome_power[kept]]
    )
    mine = distill(FORGETTING, trials, rng=np.random.default_rng(0), n_draws=0).updates[1].terms
    assert sorted(map(tuple, terms)) == sorted(map(tuple, np.column_stack(mine)))


def test_the_distilled_model_is_the_agent_on_other_trials(tmp_path):
    found = distilled(FORGETTING, BANDIT, n_draws=0)
    accumbens.save_model(found.model, tmp_path / "distilled")
    model = accumbens.load_model(tmp_path / "distilled")
    others = simulated(FORGETTING, BANDIT, seed=5)
    mine, its = (accumbens.unroll(m, others).choice_logits for m in (model, FORGETTING))
    its = its - its[..., :1]
    np.testing.assert_allclose(mine, its, atol=2e-3)
    assert np.ptp(its[..., 1]) > 3
    again = accumbens.simulate(model, BANDIT, n_sessions=12, n_trials=60, key=jax.random.key(0))
    np.testing.assert_array_equal(again.choice, simulated(FORGETTING, BANDIT).choice)


def test_of_three_options_the_two_not_chosen_count_alike():
    agent = accumbens.QLearning(0.4, 3.0, initial_value=0.2, forgetting_rate=0.1, n_choices=3)
    found = distilled(agent, accumbens.DriftingBandit(n_arms=3), n_draws=0)
    mine = {term: w for (of, term), w in weights(found).items() if of == "Q_2"}
    expected = {"[2] reward": 0.4, "[2] Q_2": -0.4, "[0 or 1]": 0.02, "[0 or 1] Q_2": -0.1}
    assert mine == pytest.approx(expected, abs=1e-4)
    assert parameters(found)["choice", "inverse temperature of Q_2", "2"] == pytest.approx(
        3.0, abs=1e-2
    )


def test_points_are_the_networks_own_updates():
    model = accumbens.DisRNN.initial(DisRNNConfig(latents=2), key=jax.random.key(1))
    trials = simulated(FORGETTING, BANDIT, n_sessions=3)
    points = points_of(model, trials)

    def answers(z, choice, outcome):
        state = eqx.tree_at(lambda s: s.z, model.initial_state(jnp.asarray(0)), z)
        return model.update(state, choice, outcome).z, model.choice_logits(state)

    z = jnp.asarray(points.before, jnp.float32)
    outcome = jnp.asarray(points.outcome, jnp.float32)
    moved, logits = jax.jit(jax.vmap(answers))(z, jnp.asarray(points.choice), outcome)
    np.testing.assert_allclose(points.after, moved, atol=1e-5)
    np.testing.assert_allclose(points.log_odds, logits - logits[:, :1], atol=1e-5)


def test_latents_that_a_bottleneck_keeps_out_are_in_no_term():
    model = accumbens.DisRNN.initial(DisRNNConfig(latents=2), key=jax.random.key(1))
    closed = model.core.reader.latent.log_sigma.at[0, 1].set(0.0)  # noise of 1 into network of z_1
    model = eqx.tree_at(lambda m: m.core.reader.latent.log_sigma, model, closed)
    reads = points_of(model, simulated(FORGETTING, BANDIT, n_sessions=3)).reads
    np.testing.assert_array_equal(reads, [[True, False], [True, True]])


def test_random_choices_have_no_equation():
    found = distilled(accumbens.BiasOnly(0.0), BANDIT)
    assert found.verdict().startswith("Nothing found: choices do not depend on what happened ")
    assert found.term_frame().empty
    assert found.latents == ()


@pytest.mark.parametrize(("temperature", "nothing"), [(0.05, True), (0.5, False)])
def test_what_is_hardly_more_than_fixed_probabilities_is_nothing(temperature, nothing):
    """As of a network that was fitted to random choices and left a latent a little open. The
    divergence of p = 1/2 + e/4 from its mean is e^2/8 for small log-odds e."""
    agent = accumbens.QLearning(0.3, temperature, initial_value=0.5)
    found = distilled(agent, BANDIT, n_draws=0)
    trials = found.trials
    logits = np.asarray(accumbens.unroll(agent, trials).choice_logits)[trials.valid]
    log_odds = logits[:, 1] - logits[:, 0]
    assert found.memory == pytest.approx(log_odds.var() / 8, rel=0.02)
    assert (found.memory <= found.tolerance) == nothing
    assert (found.read == ()) == nothing
    assert found.verdict().startswith("Nothing found") == nothing
    if nothing:
        assert "Q_0: nothing reads it" in found.text()
        assert f"differ by {found.memory:.2g} nats per trial" in found.verdict()
        assert found.memory <= found.divergence <= found.memory + RULE_TOLERANCE


def test_a_signal_reads_as_a_prediction_error():
    agent = dataclasses.replace(FORGETTING, gain=jnp.array([0.8]), offset=jnp.array([-0.3]))
    trials = accumbens.simulate(agent, BANDIT, n_sessions=8, n_trials=60, key=jax.random.key(2),
                                signal_noise=0.1)  # fmt: skip
    found = distill(agent, trials, rng=np.random.default_rng(0), n_draws=0)
    frame = found.term_frame()
    signal = {r.term: r.weight for r in frame.itertuples() if r.rule == "signal"}
    expected = {"[0]": -0.3, "[1]": -0.3, "[0] reward": 0.8, "[1] reward": 0.8, "[0] Q_0": -0.8,
                "[1] Q_1": -0.8}  # fmt: skip
    assert signal == pytest.approx(expected, abs=2e-3)
    np.testing.assert_allclose(
        accumbens.unroll(found.model, trials).signals, accumbens.unroll(agent, trials).signals,
        atol=5e-3,
    )  # fmt: skip


def test_what_lines_do_not_explain_is_said():
    agent = accumbens.BeliefAgent(0.8, 0.2, 0.05, 4.0)
    found = distilled(agent, accumbens.ReversalBandit(), latents=("belief_1",), n_draws=0)
    assert found.divergence < found.divergence_of_lines
    assert "with powers and products of latents; lines differ by" in found.verdict()
    assert "belief_1^2" in found.text()


def test_intervals_are_over_sessions_and_need_two():
    trials = simulated(RewardHabit(0.6, 1.2, 0.2, 1.0, 0.05, 0.5), BANDIT, n_sessions=2)
    agent = accumbens.BeliefAgent(0.8, 0.2, 0.05, 4.0)  # lines are wrong: weights depend on where
    found = distill(agent, trials, rng=np.random.default_rng(0), n_draws=30, tolerance=0.02)
    frame = found.term_frame()
    assert (frame["low"] < frame["weight"]).all()
    one = distill(agent, trials.select_sessions(np.array([0])), rng=np.random.default_rng(0))
    assert one.term_frame()["low"].isna().all()


def test_terms_are_counted_over_fits_whatever_the_order_of_latents():
    trials = simulated(FORGETTING, BANDIT)
    remembering = dataclasses.replace(FORGETTING, forgetting_rate=jnp.asarray(0.0))
    agents = ((FORGETTING, ("Q_0", "Q_1")), (FORGETTING, ("Q_1", "Q_0")), (remembering, None))
    several = [
        distill(agent, trials, rng=np.random.default_rng(0), latents=latents, n_draws=0)
        for agent, latents in agents
    ]
    table = terms_over_fits(several)
    rows = {(r.of, r.term): r for r in table.itertuples()}
    assert rows["Q_1", "[1] reward"].inclusion == 1
    assert rows["Q_1", "[1] reward"].weight == pytest.approx(0.3, abs=1e-3)
    assert rows["Q_1", "[1] reward"].sd == pytest.approx(0.0, abs=1e-3)
    assert rows["Q_0", "[1] Q_0"].inclusion == pytest.approx(2 / 3)
    assert rows["Q_0", "[1] Q_0"].weight == pytest.approx(-0.15, abs=1e-3)
    assert len(rows) == 10, "eight terms of updates, two of the choice rule"
    with pytest.raises(ConfigError, match="no equations to compare"):
        terms_over_fits([])


def test_mistakes_are_said_in_words():
    trials = simulated(FORGETTING, BANDIT, n_sessions=2)
    rng = np.random.default_rng(0)
    with pytest.raises(ConfigError, match="no latent value_0; it has Q_0, Q_1"):
        distill(FORGETTING, trials, rng=rng, latents=("value_0",))
    with pytest.raises(ConfigError, match=r"tolerance is 2 nats; it must lie between 0 and 1"):
        distill(FORGETTING, trials, rng=rng, tolerance=2.0)
    with pytest.raises(ConfigError, match="n_draws is -1"):
        distill(FORGETTING, trials, rng=rng, n_draws=-1)
    short = accumbens.trials_from_arrays(np.array([[0, 1, 1]]), np.ones((1, 3, 1)))
    with pytest.raises(DataError, match=r"another trial after it, and there are 2\."):
        distill(FORGETTING, short, rng=rng)
    many = accumbens.DisRNN.initial(DisRNNConfig(latents=7), key=jax.random.key(0))
    with pytest.raises(ConfigError, match="7 latents that carry something"):
        distill(many, trials, rng=rng)


def test_refitted_weights_are_those_of_maximum_likelihood():
    """Terms of an agent with other rates; the truth has the same terms."""
    truth = accumbens.QLearning(0.5, 2.5, initial_value=0.5, forgetting_rate=0.15)
    trials = simulated(truth, BANDIT, n_sessions=30)
    found = distill(FORGETTING, trials, rng=np.random.default_rng(0), n_draws=200)
    again = refit_equations(found)
    assert again.before == pytest.approx(mean_log_likelihood(FORGETTING, trials), abs=1e-4)
    assert again.log_likelihood > max(again.before, mean_log_likelihood(truth, trials))
    # nothing near is better
    model = again.equations.model
    for factor in (0.98, 1.02):
        weight = model.update_rule.weight
        for place in zip(*np.nonzero(np.asarray(weight)), strict=True):
            moved = eqx.tree_at(
                lambda m: m.update_rule.weight, model, weight.at[place].multiply(factor)
            )
            assert mean_log_likelihood(moved, trials) < again.log_likelihood + 1e-6
    frame = again.equations.parameter_frame()
    wanted = {
        "learning rate": 0.5, "forgetting rate": 0.15, "inverse temperature of Q_1": 2.5
    }  # fmt: skip
    for name, value in wanted.items():
        for row in frame[frame["parameter"] == name].itertuples():
            assert row.low < value < row.high, (name, row)
            assert 0.1 < (row.high - row.low) / value < 2.5
    rewarded = frame[frame["after"].str.endswith(", reward")]
    np.testing.assert_allclose(rewarded[["value", "low", "high"]], 1.0, atol=1e-5)
    assert "those most likely to give the choices" in again.equations.verdict()


def mean_log_likelihood(model, trials):
    logits = jnp.asarray(accumbens.unroll(model, trials).choice_logits)
    batch = trials.batch()
    return float(choice_log_likelihood(logits, batch).sum() / batch.scored.sum())
