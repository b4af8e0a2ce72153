"""The numbers behind learning curves, penalty path, comparison and bottlenecks; what is inked."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from accumbens.errors import ConfigError
from accumbens.figures.fit.bottlenecks import bottlenecks_data, draw_bottlenecks
from accumbens.figures.fit.comparison import (
    comparison_data,
    comparison_table,
    draw_comparison,
)
from accumbens.figures.fit.learning_curves import (
    MAX_POINTS,
    draw_learning_curves,
    learning_curves_data,
)
from accumbens.figures.fit.penalty_path import draw_penalty_path, penalty_path_data
from accumbens.figures.style import OPENNESS, without_captions
from accumbens.models.disrnn import bottlenecks
from accumbens.scoring.comparison import compare


def history(seed, n=(30, 2 * MAX_POINTS + 100)):
    rng = np.random.default_rng(seed)
    return {
        "warm_up": {"loss": rng.random(n[0]), "choice_nll": rng.random(n[0])},
        "choice": {
            "loss": rng.random(n[1]),
            "choice_nll": rng.random(n[1]),
            "penalty_latent": 10 ** -rng.uniform(2, 9, n[1]),
            "penalty_update_subject": np.zeros(n[1]),
        },
    }


def test_learning_curves_keep_every_step():
    histories = [history(0), history(1)]
    table = learning_curves_data(histories).table()
    for seed, terms_by_stage in enumerate(histories):
        for stage, terms in terms_by_stage.items():
            here = table[(table["seed"] == seed) & (table["stage"] == stage)]
            for term, values in terms.items():
                assert here["step"].tolist() == list(range(1, len(values) + 1))
                np.testing.assert_array_equal(here[term], values)
    assert table.loc[table["stage"] == "warm_up", "penalty_latent"].isna().all()


def test_learning_curves_are_drawn_at_true_steps(check_drawn):
    histories = [history(0), history(1)]
    fig = Figure()
    draw_learning_curves(learning_curves_data(histories), fig)
    check_drawn(fig)
    warm_up, choice, _, penalties = fig.axes
    by_label = [line for line in warm_up.get_lines() if line.get_label() == "loss"]
    assert len(by_label) == 2
    np.testing.assert_array_equal(by_label[1].get_xdata(), np.arange(1, 31))
    np.testing.assert_array_equal(by_label[1].get_ydata(), histories[1]["warm_up"]["loss"])
    loss = histories[0]["choice"]["loss"]
    line = next(line for line in choice.get_lines() if line.get_label() == "loss")
    x, y = line.get_xdata(), line.get_ydata()
    assert len(x) == 300
    assert x[0] == 2
    assert x[-1] == len(loss) - 1
    assert y[5] == pytest.approx(loss[15:18].mean())
    assert penalties.get_yscale() == "log"
    assert {line.get_label() for line in penalties.get_lines()} == {"latents' own"}
    low, high = penalties.get_ylim()
    assert 1e-8 < low < high


def test_penalty_path_is_sorted_and_marked(check_drawn):
    data = penalty_path_data(
        np.array([3.0, 0.1, 1.0]), np.array([0.70, 0.71, 0.72]), np.array([0.02, 0.01, 0.0]),
        np.array([1.0, 4.0, 2.3]), best=2, chosen=0,
    )  # fmt: skip
    table = data.table()
    assert table["factor"].tolist() == [0.1, 1.0, 3.0]
    assert table.loc[table["best"], "mean"].tolist() == [0.72]
    assert table.loc[table["chosen"], "n_open_latents"].tolist() == [1.0]
    fig = Figure()
    draw_penalty_path(data, fig)
    check_drawn(fig)
    above, below = fig.axes
    assert below.get_xscale() == "log"
    drawn = {line.get_label(): line.get_xydata().tolist() for line in above.get_lines()}
    assert drawn["best"] == [[1.0, 0.72]]
    assert drawn["chosen"] == [[3.0, 0.70]]


def test_penalty_path_refuses_what_a_log_axis_cannot_show():
    one = np.ones(2)
    with pytest.raises(ConfigError, match="each must be above 0"):
        penalty_path_data(np.array([0.0, 1.0]), one, one, one, 0, 0)
    with pytest.raises(ConfigError, match="chosen is 2, but there are 2 factors"):
        penalty_path_data(np.array([0.5, 1.0]), one, one, one, 0, 2)


def test_comparison_table_holds_pooled_values_and_subjects(make_trials, make_model):
    trials = make_trials(n_subjects=2, n_sessions=6)
    models = {"disrnn": make_model(trials, [0]), "other": make_model(trials, [0], seed=5)}
    comparison = compare(models, trials, rng=np.random.default_rng(0), n_draws=50)
    table = comparison_table(comparison)
    assert set(table["metric"]) == {"normalized_likelihood", "mse"}
    for name, evaluation in comparison.models.items():
        here = table[table["model"] == name]
        pooled = here[(here["subject"] == "") & (here["metric"] == "mse")].iloc[0]
        mse = evaluation.signals["dopamine"].mse
        assert tuple(pooled[["value", "low", "high"]]) == tuple(mse)
        one = here[(here["subject"] == "mouse 1") & (here["metric"] == "normalized_likelihood")]
        assert one["value"].item() == evaluation.subjects["mouse 1"].normalized_likelihood
        assert np.isnan(one["low"].item())
    assert len(comparison_table(comparison, ["r2"])) == 2 * 3


def test_comparison_inks_values_intervals_and_subjects(check_drawn):
    table = pd.DataFrame(
        [
            ("disrnn", "normalized_likelihood", 0.7, 0.6, 0.8, ""),
            ("mine", "normalized_likelihood", 0.5, 0.4, 0.6, ""),
            ("disrnn", "normalized_likelihood", 0.65, np.nan, np.nan, "m1"),
            ("disrnn", "normalized_likelihood", 0.75, np.nan, np.nan, "m2"),
            ("mine", "normalized_likelihood", 0.45, np.nan, np.nan, "m1"),
        ],
        columns=["model", "metric", "value", "low", "high", "subject"],
    )
    data = comparison_data(table, "Data: here.")
    assert data.table()["signal"].tolist() == [""] * 5
    fig = Figure()
    draw_comparison(data, fig)
    check_drawn(fig)
    (ax,) = fig.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["disRNN", "mine"]
    points = [line.get_xydata().tolist() for line in ax.get_lines()]
    assert [[0.7, 0.0]] in points
    assert [[0.5, 1.0]] in points
    assert [[0.65, 0.24], [0.75, 0.24]] in points
    assert [[0.65, 0.24], [0.45, 1.24]] in points  # m1 in both models
    assert [text.get_text() for text in ax.texts] == ["m1", "m2"]
    assert ax.texts[0].get_position()[0] < ax.texts[1].get_position()[0]
    segments = [s.tolist() for c in ax.collections for s in c.get_segments()]
    assert segments == [[[0.6, 0.0], [0.8, 0.0]], [[0.4, 1.0], [0.6, 1.0]]]


def test_comparison_refuses_incomplete_tables():
    table = pd.DataFrame({"model": ["a"], "metric": ["mse"], "value": [1.0]})
    with pytest.raises(ConfigError, match=r"lacks the columns \['low', 'high'\]"):
        comparison_data(table)
    with pytest.raises(ConfigError, match="subjects' rows only"):
        comparison_data(table.assign(low=0.0, high=1.0, subject="m1"))


def test_bottlenecks_are_drawn_where_they_belong(make_trials, make_model, check_drawn):
    trials = make_trials(signals=("dopamine", "serotonin"), n_subjects=2)
    model = make_model(trials, [1], embedding=2)
    table = bottlenecks_data(model)
    rows = bottlenecks(model)
    assert [tuple(row) for row in table.itertuples(index=False)] == [tuple(row) for row in rows]
    fig = Figure()
    draw_bottlenecks(table, fig)
    check_drawn(fig)
    own, update, choice, signal, _ = fig.axes
    np.testing.assert_allclose(
        own.collections[0].get_array()[:, 0], [r.noise for r in rows if r.kind == "latent"]
    )
    names = ["z_1", "z_2", "z_3", "choice", "reward", "subject_1", "subject_2"]
    readers = {
        update: ("update", ["z_1", "z_2", "z_3"]),
        choice: ("choice", ["choice"]),
        signal: ("signal", ["dopamine", "serotonin"]),
    }
    for ax, (kind, wanted) in readers.items():
        cells = ax.collections[0].get_array()
        assert cells.shape == (len(wanted), len(names))
        assert ax.yaxis_inverted(), "the first row is on top"
        noise = {(r.reader, r.input): r.noise for r in rows if r.kind == kind}
        for i, reader in enumerate(wanted):
            for j, name in enumerate(names):
                if (reader, name) in noise:
                    assert cells[i, j] == pytest.approx(noise[reader, name])
                else:
                    assert cells.mask[i, j]


def test_open_is_dark():
    assert sum(OPENNESS(0.0)[:3]) < sum(OPENNESS(0.5)[:3]) < sum(OPENNESS(1.0)[:3])


def test_one_spike_does_not_hide_the_rest():
    loss = np.linspace(1.1, 1.0, 300)
    calm, wild = loss.copy(), loss.copy()
    wild[100] = 5000.0
    tops = []
    for values in (calm, wild):
        fig = Figure()
        draw_learning_curves(learning_curves_data([{"choice": {"loss": values}}]), fig)
        tops.append(fig.axes[0].get_ylim()[1])
    assert tops[0] == pytest.approx(tops[1], rel=0.1)
    assert any("up to" in text.get_text() for text in fig.axes[0].texts)


def test_captions_can_be_left_out():
    data = learning_curves_data([{"choice": {"loss": np.ones(3)}}])
    with_it, without, after = Figure(), Figure(), Figure()
    draw_learning_curves(data, with_it)
    with without_captions():
        draw_learning_curves(data, without)
    draw_learning_curves(data, after)
    assert [fig.get_supxlabel() == "" for fig in (with_it, without, after)] == [False, True, False]
