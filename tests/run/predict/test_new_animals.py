"""Animals that a run has not seen: their first sessions describe them, the rest is scored."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from accumbens.cli import main
from accumbens.errors import ConfigError
from accumbens.fit.new_subjects import Newcomers, describe_new_subjects
from accumbens.io.tables.trials import write_table
from accumbens.run.fit.config import SplitConfig
from accumbens.run.fit.pipeline import run_fit
from accumbens.run.predict.analysis import run_predict
from accumbens.run.predict.config import PredictConfig
from accumbens.run.predict.curve import sessions_tried
from accumbens.scoring.metrics import (
    mean_squared_error,
    normalized_likelihood,
    pooled,
    predict,
    session_sums,
)
from helpers.new_data import CONFIG, metrics_of, scores, simulated


@pytest.fixture(scope="module")
def strangers(folder):
    """Two animals of four and three sessions, beside one that the run knows."""
    table = simulated(("X", "B"), 4, 3)
    table = table[~((table["subject"] == "B") & (table["session"] == "4"))]
    write_table(pd.concat([table, simulated(("M1",), 1, 8)]), folder / "strangers.parquet")
    return folder / "strangers.parquet"


def labels(found, which):
    return [label for label, yes in zip(found.trials.session_labels, which, strict=True) if yes]


def options(run, **changes):
    return dataclasses.replace(PredictConfig.of_run(run.config), **changes)


def test_half_of_the_sessions_describe_an_animal_and_the_rest_is_scored(run, strangers, tmp_path):
    found = run_predict(run, strangers, None, tmp_path / "p")
    assert found.new_subjects == ("B", "X")
    assert found.trials.names.subjects == ("M9", "M1", "M4", "B", "X")
    assert labels(found, found.describing) == ["B/1", "X/1", "X/2"]
    assert labels(found, found.scored) == ["B/2", "B/3", "M1/1", "X/3", "X/4"]
    (namesake, new) = found.warnings
    assert namesake.startswith("M1/1: sessions of these names were fitted, but")
    assert new == (
        "2 subjects to which the run was not fitted (B, X): models with numbers for each subject "
        "take those that fit 3 first sessions, which are not scored; all else in them stays as it "
        "is."
    )
    own, described = run.model("disrnn"), found.models["disrnn"][0]
    np.testing.assert_array_equal(described.core.embedding[:3], own.core.embedding)
    assert described.core.embedding.shape == (5, 2)
    assert found.models["q_learning"][0].n_subjects is None
    test = found.trials.select_sessions(np.flatnonzero(found.scored))
    for name in ("disrnn", "gru", "q_learning"):
        sums = pooled(session_sums(predict(found.models[name][0], test), test))
        expected = float(normalized_likelihood(sums)[0])
        assert found.comparison.models[name].normalized_likelihood.value == pytest.approx(
            expected, rel=1e-6
        )
    written = pd.read_parquet(tmp_path / "p" / "predictions.parquet")
    held_out = written.query("held_out")
    assert set(held_out["subject"] + "/" + held_out["session"]) == set(labels(found, found.scored))


def test_a_curve_by_sessions_seen(run, strangers, tmp_path, capsys):
    """On the same sessions of the new animals; each point as if later sessions were not there."""
    out = tmp_path / "p"
    main(["predict", str(run.folder.path), str(strangers), "--out", str(out)])
    said = " ".join(capsys.readouterr().out.split())
    assert "New subjects: choice normalized likelihood by sessions that describe them" in said
    table = pd.read_csv(out / "sessions_seen.csv", keep_default_na=False, na_values=["nan"])
    assert (out / "figures" / "sessions_seen.png").is_file()
    found = run_predict(run, strangers, None, tmp_path / "q")
    assert found.sessions_seen is not None
    trials, names = found.trials, np.array(found.trials.session_labels)
    test = trials.select_sessions(np.flatnonzero(np.isin(names, ["B/2", "B/3", "X/3", "X/4"])))
    share = np.array([1.0, 1.0, 1.0]) / 3  # as many choices of each were fitted
    for n, seen in enumerate(([], ["B/1", "X/1"], ["B/1", "X/1", "X/2"])):
        first = trials.select_sessions(np.flatnonzero(np.isin(names, seen))) if seen else None
        for name in ("disrnn", "gru", "q_learning"):
            model = describe_new_subjects(
                run.model(name), Newcomers(np.array([3, 4]), 5, share, first)
            )
            sums = pooled(session_sums(predict(model, test), test))
            for metric, expected in (
                ("normalized_likelihood", normalized_likelihood(sums)[0]),
                ("mse", mean_squared_error(sums)[0, 0]),
            ):
                rows = table.query(f"sessions_seen == {n} and model == '{name}'")
                (value,) = rows.loc[rows["metric"] == metric, "value"]
                assert value == pytest.approx(float(expected), rel=1e-3), (n, name, metric)
    assert set(table["sessions_seen"]) == {0, 1, 2}
    flat = table.query("model == 'q_learning' and metric == 'mse'")["value"]
    assert flat.nunique() == 1


@pytest.mark.parametrize(
    ("most", "tried"),
    [(0, [0]), (1, [0, 1]), (8, [*range(9)]), (9, [0, 1, 2, 4, 8, 9]), (16, [0, 1, 2, 4, 8, 16])],
)
def test_numbers_of_sessions_that_are_tried(most, tried):
    assert sessions_tried(most) == tried


def test_without_sessions_the_mean_describes_them_and_all_are_scored(run, strangers, tmp_path):
    found = run_predict(run, strangers, options(run, fit_sessions=0), tmp_path / "p")
    assert found.scored.all()
    assert found.sessions_seen is None
    assert found.warnings[-1].endswith("take the mean of the run's subjects.")
    n = run.metrics["models"]["gru"]["fitted_sessions"]["subjects"]
    weight = np.array([n[name]["n_choices"] for name in ("M9", "M1", "M4")], float)
    own = np.asarray(run.model("gru").embedding, float)
    mean = weight @ own / weight.sum()
    np.testing.assert_allclose(found.models["gru"][0].embedding[3:], [mean, mean], rtol=1e-5)


def test_one_session_at_least_is_scored(run, strangers, tmp_path):
    found = run_predict(run, strangers, options(run, fit_sessions=3), tmp_path / "p")
    assert labels(found, found.describing) == ["B/1", "B/2", "X/1", "X/2", "X/3"]


def test_pooled_models_need_no_description(run, strangers, tmp_path):
    found = run_predict(run, strangers, options(run, models=("q_learning",)), tmp_path / "p")
    assert found.scored.all()
    assert found.warnings[-1].endswith(
        "no model here has anything of a subject's own, and each predicts them as it is."
    )


def test_an_animal_that_was_held_out_whole(folder, tmp_path):
    """Described by the mean, as in the run; or anew where that is asked for."""
    config = dataclasses.replace(
        CONFIG, models=("gru", "q_learning"), split=SplitConfig(test_subjects=("M4",))
    )
    table = folder / "table.parquet"
    left_out = run_fit(table, config, tmp_path / "run")
    main(["predict", str(tmp_path / "run"), str(table), "--out", str(tmp_path / "p")])
    assert scores(metrics_of(tmp_path / "p")) == scores(left_out.metrics)
    (_, as_it_is) = metrics_of(tmp_path / "p")["warnings"]
    assert as_it_is.startswith("M4: held out whole by the run. Models with numbers for each subj")
    found = run_predict(left_out, table, options(left_out, describe=("M4",)), tmp_path / "q")
    assert found.new_subjects == ("M4",)
    assert not any("held out whole" in warning for warning in found.warnings)
    assert labels(found, found.describing) == ["M4/1", "M4/2"]
    assert labels(found, found.scored) == ["M4/3", "M4/4"]
    own, described = left_out.model("gru").embedding, found.models["gru"][0].embedding
    np.testing.assert_array_equal(described[:2], own[:2])
    assert np.abs(np.asarray(described - own)[2]).max() > 0
    for name, message in (
        ("M1", r"describe names the subject M1, to which the run was fitted: it is described"),
        ("M5", r"describe names the subject M5, which has no session in this table; there is M1"),
    ):
        with pytest.raises(ConfigError, match=message):
            run_predict(left_out, table, options(left_out, describe=(name,)), tmp_path / "r")
