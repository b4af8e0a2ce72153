"""Every figure for every kind of model and data, without warnings; and the files it leaves."""

import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from accumbens.figures import (
    bottlenecks_data,
    choice_rule_data,
    draw_all,
    draw_bottlenecks,
    draw_choice_rule,
    draw_example_session,
    draw_learning_curves,
    draw_signal_rule,
    draw_update_rule,
    example_session_data,
    learning_curves_data,
    save_figure,
    signal_rule_data,
    update_rule_data,
)
from accumbens.figures.fit.all import FIGURES
from accumbens.figures.labels import data_counts, outcome_label, symbol
from accumbens.fit.disrnn.penalty_path import PenaltyPath
from accumbens.scoring.comparison import compare

CASES = {
    "no open latent": ({}, {"open": []}),
    "one open latent, no signal": ({"signals": ()}, {"open": [1]}),
    "three open latents, three choices, two outcomes, subjects": (
        {"n_choices": 3, "outcomes": ("controllable", "distractor"), "n_subjects": 3,
         "contexts": tuple(f"reward_probability_{i}" for i in range(3))},
        {"open": [0, 1, 2], "embedding": 2},
    ),
    "several signals, amounts, formula in a name": (
        {"signals": ("dF/F ($z$)", "unit_1", "unit_2"), "outcomes": ("amount",), "amounts": True,
         "codes": ("go $", "stay")},
        {"open": [0, 2], "n_latents": 3},
    ),
    "signals alone tell subjects apart": (
        {"n_subjects": 2}, {"open": [0, 1], "signal_embedding": 2},
    ),
    "no outcomes": ({"outcomes": ()}, {"open": [0]}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_every_case_is_drawn_whole(case, make_trials, make_model, check_drawn):
    trial_options, model_options = CASES[case]
    trials = make_trials(**trial_options)
    model = make_model(trials, **model_options)
    for data, draw in (
        (bottlenecks_data(model), draw_bottlenecks),
        (choice_rule_data(model, trials), draw_choice_rule),
        (signal_rule_data(model, trials), draw_signal_rule),
        (update_rule_data(model, trials), draw_update_rule),
        (example_session_data(model, trials), draw_example_session),
    ):
        fig = Figure()
        draw(data, fig)
        check_drawn(fig)
        if draw in (draw_choice_rule, draw_signal_rule, draw_update_rule):
            assert data_counts(trials) in " ".join(fig.get_supxlabel().split())


def test_no_history_says_so(check_drawn):
    fig = Figure()
    draw_learning_curves(learning_curves_data([]), fig)
    check_drawn(fig)
    assert [text.get_text() for ax in fig.axes for text in ax.texts] == ["No step was taken."]


def settings():
    """Matplotlib's, all but the back end, which it looks for when asked."""
    return {name: matplotlib.rcParams[name] for name in matplotlib.rcParams if name != "backend"}


@pytest.fixture(scope="module")
def drawn(make_trials, make_model, tmp_path_factory):
    """Everything drawn into a folder that was not there."""
    trials = make_trials(n_subjects=2, signals=("unit_0", "unit_1"))
    model = make_model(trials, [0])
    folder = tmp_path_factory.mktemp("run") / "new" / "figures"
    before = settings()
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr("accumbens.figures.fit.all.SIGNALS_PER_PAGE", 1)
    paths = draw_all(
        model, trials, folder, held_out=trials.select_sessions([1, 2]),
        histories=[{"choice": {"loss": np.ones(5)}}],
        comparison=compare({"disrnn": model}, trials, rng=np.random.default_rng(0), n_draws=20),
        path=PenaltyPath(np.array([0.5, 1.0]), np.log([0.6, 0.5]), np.array([0.0, 0.1]),
                         np.array([2.0, 1.0]), 0, 0),
    )  # fmt: skip
    monkeypatch.undo()
    assert settings() == before
    return model, trials, folder, paths


def test_every_figure_has_its_files(drawn):
    _, _, folder, paths = drawn
    # These results have no record of how the model was chosen, no fit by animal, no contrast,
    # and no check.
    not_here = {"selection", "held_out_curves", "shrinkage", "contrast", "predictive_check"}
    assert set(paths) == {figure.name for figure in FIGURES} - not_here | {"signal_rule_2"}
    for name, path in paths.items():
        assert path == folder / f"{name}.png"
        assert path.read_bytes().startswith(b"\x89PNG")
        assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    assert len(list(folder.iterdir())) == 3 * len(paths), "no temporary file is left"


def test_tables_come_back_from_the_files_as_they_were(drawn):
    model, trials, folder, _ = drawn
    for name, table in (
        ("bottlenecks", bottlenecks_data(model)),
        ("choice_rule", choice_rule_data(model, trials).table()),
        ("signal_rule_2", signal_rule_data(model, trials, ["unit_1"]).table()),
        ("update_rule", update_rule_data(model, trials).table()),
    ):
        read = pd.read_csv(folder / f"{name}.csv", keep_default_na=False)
        assert list(read.columns) == list(table.columns)
        for column in table.columns:
            if table[column].dtype.kind == "f":
                numbers = read[column].to_numpy().astype(table[column].dtype)
                np.testing.assert_array_equal(numbers, table[column])
            else:
                assert read[column].astype(str).tolist() == table[column].astype(str).tolist()
    path = pd.read_csv(folder / "penalty_path.csv")
    np.testing.assert_allclose(path["mean"], [0.6, 0.5])
    np.testing.assert_allclose(path["standard_error"], [0.0, 0.05])


def test_the_same_figure_gives_the_same_bytes(drawn, tmp_path):
    model, _, folder, _ = drawn
    data = bottlenecks_data(model)
    fig = Figure()
    draw_bottlenecks(data, fig)
    save_figure(fig, tmp_path / "again", data)
    for ending in ("png", "pdf", "csv"):
        again = (tmp_path / f"again.{ending}").read_bytes()
        assert again == (folder / f"bottlenecks.{ending}").read_bytes(), ending


def test_saving_leaves_the_figures_layout(make_trials, make_model, tmp_path):
    trials = make_trials()
    data = choice_rule_data(make_model(trials, [0, 2]), trials)
    fig = Figure()
    draw_choice_rule(data, fig)
    engine = fig.get_layout_engine()
    save_figure(fig, tmp_path / "a", data)
    assert fig.get_layout_engine() is engine


def test_importing_the_figures_starts_no_window_system():
    code = "import sys, accumbens.figures; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("names", "values", "words"),
    [
        (("reward",), (1.0,), "rewarded"),
        (("reward",), (0.0,), "unrewarded"),
        (("puff",), (1.0,), "puff"),
        (("puff",), (0.0,), "no puff"),
        (("a", "b"), (1.0, 1.0), "a + b"),
        (("a", "b"), (0.0, 0.0), "neither"),
        (("a", "b", "c"), (0.0, 0.0, 0.0), "none"),
        (("reward", "delay"), (1.0, 2.5), "reward 1, delay 2.5"),
        ((), (), ""),
    ],
)
def test_outcomes_in_words(names, values, words):
    assert outcome_label(names, values) == words


def test_names_that_look_like_formulas_stay_names():
    assert symbol("z_12") == "$z_{12}$"
    assert symbol("unit_1") == "unit 1"
    assert symbol("pay $") == r"pay \$"
