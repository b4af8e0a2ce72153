"""The numbers behind the choice, signal and update rules, against the model trial by trial."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.errors import ConfigError, DataError
from accumbens.figures.fit.choice_rule import N_PLANE, choice_rule_data
from accumbens.figures.fit.conditions import MAX_CONDITIONS, conditions_of
from accumbens.figures.fit.signal_rule import signal_rule_data
from accumbens.figures.fit.update_rule import update_rule_data
from accumbens.figures.fit.visits import N_POINTS
from accumbens.models.disrnn import DisRNNState

TOLERANCE = 2e-5
"""Single precision: a point is reached by other orders of summation than the oracle's."""


@pytest.fixture(scope="module")
def trials(make_trials):
    return make_trials(codes=("L", "R"))


@pytest.fixture(scope="module")
def model(make_model, trials):
    return make_model(trials, [0, 2])


@pytest.fixture(scope="module")
def visited(walk, model, trials):
    return walk(model, trials)


def points_of(table, model, visited):
    """The latents behind each row: open ones as the table says, closed ones at their mean."""
    points = np.tile(visited.mean(0), (len(table), 1))
    for k, name in enumerate(model.latent_names):
        if name in table.columns:
            points[:, k] = table[name]
    return jnp.asarray(points, jnp.float32)


def state(z):
    return DisRNNState(z, jnp.asarray(0))


def answers(model):
    """The model's methods at one point, for subject 0."""
    return (
        jax.jit(lambda z: model.choice_logits(state(z))),
        jax.jit(lambda z, choice, outcome: model.signals(state(z), choice, outcome)),
        jax.jit(lambda z, choice, outcome: model.update(state(z), choice, outcome).z),
    )


def test_choice_rule_is_the_choice_networks_answer(model, trials, visited):
    data = choice_rule_data(model, trials)
    table = data.table()
    assert list(table["panel"].unique()) == ["z_1", "z_3", "plane"]
    assert set(table["choice"]) == {"right"}
    assert set(table["against"]) == {"left"}
    choice_logits, _, _ = answers(model)
    for odds, z in zip(table["log_odds"], points_of(table, model, visited), strict=True):
        logits = choice_logits(z)
        assert odds == pytest.approx(float(logits[1] - logits[0]), abs=TOLERANCE)
    assert np.ptp(data.lines["log_odds"]) > 0.1, "the test would pass for a constant"


def test_rules_run_over_what_the_data_visit(model, trials, visited):
    data = choice_rule_data(model, trials)
    for k, name in ((0, "z_1"), (2, "z_3")):
        line = data.lines[data.lines["panel"] == name]
        low, high = np.percentile(visited[:, k], [1, 99])
        np.testing.assert_allclose(line[name], np.linspace(low, high, N_POINTS), atol=TOLERANCE)
        other = {"z_1": "z_3", "z_3": "z_1"}[name]
        mean = visited[:, 2 - k].mean()
        np.testing.assert_allclose(line[other], np.full(N_POINTS, mean), atol=TOLERANCE)
    plane = data.plane
    assert len(plane) == N_PLANE**2
    low, high = np.percentile(visited[:, 2], [1, 99])
    assert plane["z_3"].min() == pytest.approx(low, abs=TOLERANCE)
    assert plane["z_3"].max() == pytest.approx(high, abs=TOLERANCE)


def test_share_of_trials_counts_the_trials_nearest_to_each_value(model, trials, visited):
    line = choice_rule_data(model, trials).lines
    line = line[line["panel"] == "z_1"]
    grid = line["z_1"].to_numpy()
    step = grid[1] - grid[0]
    counts = np.zeros(len(grid))
    for value in visited[:, 0]:
        nearest = np.abs(grid - value).argmin()
        counts[nearest] += abs(grid[nearest] - value) <= step / 2
    # a trial within rounding of the border between two values may count at either
    assert np.abs(line["share_of_trials"] * len(visited) - counts).sum() <= 2
    assert counts.sum() >= 0.95 * len(visited)


def test_multipliers_are_applied(model, trials):
    def closed(m):
        return [m.choice_network.reader.latent.multiplier]

    silent = eqx.tree_at(closed, model, [jnp.zeros((1, 3))])
    odds = choice_rule_data(silent, trials).table()["log_odds"]
    np.testing.assert_allclose(odds, np.full(len(odds), odds[0]), atol=TOLERANCE)


def test_latents_that_a_network_does_not_read_are_left_out(model, trials):
    def read(m):
        return [
            m.choice_network.reader.latent.multiplier,
            m.signal_networks.reader.latent.multiplier,
        ]

    choice, signal = read(model)
    deaf = eqx.tree_at(read, model, [choice.at[:, 0].set(0.0), signal.at[:, 2].set(0.0)])
    rule, signals = choice_rule_data(deaf, trials), signal_rule_data(deaf, trials)
    assert rule.latents == ("z_3",)
    assert set(rule.lines["panel"]) == {"z_3"}
    assert rule.plane.empty
    assert rule.caption.startswith("$z_{1}$ is open, but not read by the choice network. Data: ")
    assert signals.latents == ("z_1",)
    assert signals.caption.startswith("$z_{3}$ is open, but not read by the signal network. Data: ")
    assert choice_rule_data(model, trials).caption.startswith("Data: ")


def test_signal_rule_is_the_signal_networks_answer_in_the_signals_unit(model, trials, visited):
    data = signal_rule_data(model, trials)
    table = data.table()
    occurring = {
        (int(trials.choice[s, t]), float(trials.outcome[s, t, 0]))
        for s in range(trials.n_sessions)
        for t in range(trials.length[s])
        if trials.choice[s, t] >= 0
    }
    words = {
        f"{('left', 'right')[c]}, {('unrewarded', 'rewarded')[int(r)]}": (c, r)
        for c, r in occurring
    }
    assert set(table["condition"]) == set(words)
    _, signals, _ = answers(model)
    for value, condition, z in zip(
        table["predicted"], table["condition"], points_of(table, model, visited), strict=True
    ):
        choice, reward = words[condition]
        expected = signals(z, choice, jnp.array([reward]))[0]
        assert value == pytest.approx(float(expected), abs=5 * TOLERANCE)
    assert np.ptp(table["predicted"]) > 0.1


def test_signal_rule_of_some_signals(make_trials, make_model):
    trials = make_trials(signals=("dopamine", "serotonin"))
    model = make_model(trials, [0])
    both = signal_rule_data(model, trials).lines
    one = signal_rule_data(model, trials, ["serotonin"]).lines
    wanted = both[both["signal"] == "serotonin"].reset_index(drop=True)
    assert one.equals(wanted)
    with pytest.raises(ConfigError, match=r"no signal \['calcium'\]; it has"):
        signal_rule_data(model, trials, ["calcium"])


def test_update_rule_is_the_update_networks_answer(model, trials, visited):
    data = update_rule_data(model, trials)
    table = data.table()
    conditions = {c.label: c for c in data.conditions}
    points = points_of(table, model, visited)
    _, _, update = answers(model)
    for row, z in zip(table.itertuples(), points, strict=True):
        condition = conditions[row.condition]
        k = model.latent_names.index(row.latent)
        outcome = jnp.asarray(condition.outcome, jnp.float32)
        after = update(z, condition.choice, outcome)[k]
        assert row.old == pytest.approx(float(z[k]), abs=TOLERANCE)
        assert row.new == pytest.approx(float(after), abs=TOLERANCE)
    assert (table["new"] - table["old"]).abs().max() > 0.05


def test_update_rule_shows_each_latent_that_the_network_reads(model, trials, visited):
    table = update_rule_data(model, trials).table()
    modulated = table[table["modulator"] != ""]
    assert set(zip(modulated["latent"], modulated["modulator"], strict=True)) == {
        ("z_1", "z_3"), ("z_3", "z_1"),
    }  # fmt: skip
    for k, name in ((0, "z_1"), (2, "z_3")):
        for at, percent in (("10th percentile", 10), ("90th percentile", 90)):
            here = modulated[(modulated["modulator"] == name) & (modulated["modulator_at"] == at)]
            level = np.percentile(visited[:, k], percent)
            np.testing.assert_allclose(here[name], np.full(len(here), level), atol=TOLERANCE)

    def bottleneck(m):
        return [m.core.reader.latent.multiplier, m.core.reader.latent.log_sigma]

    multiplier, log_sigma = bottleneck(model)
    closed = eqx.tree_at(
        bottleneck, model, [multiplier.at[0, 2].set(0.0), log_sigma.at[0, 2].set(0.0)]
    )
    table = update_rule_data(closed, trials).table()
    modulated = table[table["modulator"] != ""]
    assert set(zip(modulated["latent"], modulated["modulator"], strict=True)) == {("z_3", "z_1")}


def test_an_embedding_is_averaged_over_subjects_by_their_trials(make_trials, make_model, walk):
    trials = make_trials(n_subjects=3, n_sessions=5)
    model = make_model(trials, [1], embedding=2)
    weight = np.zeros(3)
    for s in range(5):
        weight[trials.subject[s]] += (trials.choice[s] >= 0).sum()
    mean = jnp.asarray((weight / weight.sum()) @ np.asarray(model.core.embedding), jnp.float32)
    data = choice_rule_data(model, trials)
    assert "mean of 3 subjects, weighted by trials" in data.caption
    visited = walk(model, trials)
    choice_logits = jax.jit(lambda z: model.choice_network.logits(z, mean))
    for odds, z in zip(data.lines["log_odds"], points_of(data.lines, model, visited), strict=True):
        logits = choice_logits(z)
        assert odds == pytest.approx(float(logits[1] - logits[0]), abs=TOLERANCE)
    signal_mean = (weight / weight.sum()) @ np.asarray(model.signal_networks.embedding)
    one = signal_rule_data(model, trials)
    condition = {c.label: c for c in one.conditions}
    row = one.lines.iloc[7]
    seen = jnp.array([2.0 * condition[row["condition"]].choice - 1,
                      *condition[row["condition"]].outcome])  # fmt: skip
    z = points_of(one.lines.iloc[[7]], model, visited)[0]
    out = model.signal_networks.reader(z, seen, jnp.asarray(signal_mean, jnp.float32))[:, 0]
    expected = model.signal_units.mean + model.signal_units.scale * out
    assert row["predicted"] == pytest.approx(float(expected[0]), abs=5 * TOLERANCE)


def test_three_choices_are_each_set_against_the_first(make_trials, make_model, walk):
    trials = make_trials(n_choices=3)
    model = make_model(trials, [0])
    data = choice_rule_data(model, trials)
    assert set(data.lines["choice"]) == {"choice 1", "choice 2"}
    visited = walk(model, trials)
    points = points_of(data.lines, model, visited)
    choice_logits, _, _ = answers(model)
    for row, z in zip(data.lines.itertuples(), points, strict=True):
        logits = choice_logits(z)
        i = int(row.choice[-1])
        assert row.log_odds == pytest.approx(float(logits[i] - logits[0]), abs=TOLERANCE)


def test_without_open_latents_there_is_one_number_for_each_condition(make_trials, make_model, walk):
    trials = make_trials()
    model = make_model(trials, [])
    z = jnp.asarray(walk(model, trials).mean(0), jnp.float32)
    (odds,) = choice_rule_data(model, trials).lines["log_odds"]
    choice_logits, signals, _ = answers(model)
    logits = choice_logits(z)
    assert odds == pytest.approx(float(logits[1] - logits[0]), abs=TOLERANCE)
    data = signal_rule_data(model, trials)
    for condition, value in zip(data.conditions, data.lines["predicted"], strict=True):
        outcome = jnp.asarray(condition.outcome, jnp.float32)
        expected = signals(z, condition.choice, outcome)[0]
        assert value == pytest.approx(float(expected), abs=5 * TOLERANCE)
    assert update_rule_data(model, trials).lines.empty


def test_conditions_are_named_and_counted(make_trials):
    trials = make_trials(outcomes=("controllable", "distractor"), codes=("left", "right"))
    conditions = conditions_of(trials)
    assert [c.label for c in conditions] == [
        f"{side}, {words}"
        for side in ("left", "right")
        for words in ("controllable + distractor", "controllable", "distractor", "neither")
    ]
    for condition in conditions:
        n = 0
        for s in range(trials.n_sessions):
            for t in range(trials.length[s]):
                same = tuple(trials.outcome[s, t]) == condition.outcome
                n += trials.choice[s, t] == condition.choice and same
        assert condition.n_trials == n


def test_amounts_are_drawn_at_three_levels(make_trials):
    trials = make_trials(outcomes=("amount",), amounts=True)
    conditions = conditions_of(trials)
    levels = np.percentile(trials.outcome[trials.valid][:, 0], [90, 50, 10])
    for choice in (0, 1):
        here = [c for c in conditions if c.choice == choice]
        np.testing.assert_allclose([c.outcome[0] for c in here], levels)
        assert [c.outcome_number for c in here] == [0, 1, 2]
    assert sum(c.n_trials for c in conditions) == trials.valid.sum()


def test_too_many_conditions_keep_the_most_frequent(make_trials, make_model):
    trials = make_trials(n_choices=4, outcomes=("a", "b", "c"), signals=(), n_sessions=8)
    conditions = conditions_of(trials)
    assert len(conditions) == MAX_CONDITIONS
    every = np.column_stack([trials.choice[trials.valid], trials.outcome[trials.valid]])
    counts = np.unique(every, axis=0, return_counts=True)[1]
    assert sum(c.n_trials for c in conditions) == np.sort(counts)[-MAX_CONDITIONS:].sum()
    model = make_model(trials, [0], n_latents=1)
    assert "Conditions: the 16 most frequent" in update_rule_data(model, trials).caption


def test_trials_that_the_model_does_not_suit(make_trials, make_model, model, trials):
    one, three = make_trials(n_subjects=1), make_trials(n_subjects=3)
    described = make_model(one, [0], embedding=2)
    with pytest.raises(DataError, match="describes 1 subject, but these trials are of subject"):
        choice_rule_data(described, three)
    choice = np.full_like(trials.choice, -1)
    nothing = eqx.tree_at(lambda t: t.choice, trials, choice)
    with pytest.raises(DataError, match="No trial has a choice"):
        update_rule_data(model, nothing)
