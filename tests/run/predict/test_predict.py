"""New sessions under the models of a run: recognised, scored as the run scores, never twice."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from accumbens.cli import main
from accumbens.errors import ConfigError, DataError
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.trials import write_table
from accumbens.run.predict.analysis import run_predict
from accumbens.run.predict.config import PredictConfig
from helpers.new_data import metrics_of, scores, simulated


def close(found, expected):
    """Nested numbers that agree but for single precision."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key in expected:
            close(found[key], expected[key])
    else:
        np.testing.assert_allclose(found, expected, rtol=2e-5)


def test_the_runs_own_table_gives_its_scores_and_predictions(run, folder, tmp_path, capsys):
    """To the last bit; sessions that were fitted are counted, loudly, and not scored."""
    main(["predict", str(folder / "run"), str(folder / "table.parquet"), "--out",
          str(tmp_path / "p")])  # fmt: skip
    said = " ".join(capsys.readouterr().out.split())
    found = metrics_of(tmp_path / "p")
    assert scores(found) == scores(run.metrics)
    for key in ("differences", "reference"):
        assert found[key] == run.metrics[key]
    for key in ("choices_scored", "scored_trials_hash"):
        assert found["data"][key] == run.metrics["data"][key]
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "p" / "predictions.parquet"), run.predictions()
    )
    warning = "The run was fitted to 6 of these 12 sessions: they are predicted, and not scored."
    assert found["warnings"] == [warning]
    assert f"WARNING: {warning}" in said
    assert "Signals are as in the table." in said
    assert f"hash of their keys: {found['data']['scored_trials_hash']}." in said


def test_held_out_sessions_alone_give_the_same_scores(run, folder, tmp_path):
    """In other company, from a CSV with columns of other names, choice codes of another type, and
    without the context; the signal is scaled as in the run."""
    table = pd.read_parquet(folder / "table.parquet")
    labels = table["subject"] + "/" + table["session"]
    table = table[labels.isin(run.split.test)].sort_values("session", kind="stable")
    table = table.rename(columns={"choice": "side", "reward": "water", "dopamine": "da"})
    table["side"] = np.where(table["side"] == 0, "left", "right")
    table = table.drop(columns="reward_probability_0")
    table.to_csv(tmp_path / "t.csv", index=False)
    options = ["--choice", "side", "--choices", "left", "right", "--outcome", "water", "--signal",
               "da"]  # fmt: skip
    main(["predict", str(folder / "run"), str(tmp_path / "t.csv"), "--out", str(tmp_path / "p"),
          *options])  # fmt: skip
    found = metrics_of(tmp_path / "p")
    close(scores(found), scores(run.metrics))
    assert found["data"]["scored_trials_hash"] == run.metrics["data"]["scored_trials_hash"]
    assert found["warnings"] == []
    own = run.predictions().query("held_out").reset_index(drop=True)
    again = pd.read_parquet(tmp_path / "p" / "predictions.parquet")
    assert again["held_out"].all()
    renamed = {f"disrnn.p_{i}": f"disrnn.p_{code}" for i, code in enumerate(("left", "right"))}
    for ours, theirs in {"disrnn.z_1": "disrnn.z_1", "dopamine": "dopamine", **renamed}.items():
        np.testing.assert_allclose(again[theirs], own[ours], rtol=1e-4, atol=1e-6)


def test_only_fitted_sessions_are_scored_with_a_warning(run, folder, tmp_path):
    table = pd.read_parquet(folder / "table.parquet")
    labels = table["subject"] + "/" + table["session"]
    write_table(table[labels.isin(run.split.train)], tmp_path / "t.parquet")
    found = run_predict(run, tmp_path / "t.parquet", None, tmp_path / "p")
    assert found.scored.all()
    (warning,) = found.warnings
    assert warning.startswith("The run was fitted to all 6 sessions that could be scored here")
    expected = {name: m["fitted_sessions"]["choice"] for name, m in run.metrics["models"].items()}
    close({name: m["choice"] for name, m in metrics_of(tmp_path / "p")["models"].items()}, expected)


def test_sessions_are_recognised_by_what_is_in_them(run, folder, tmp_path):
    """A fitted session under another name is not scored; another of the same name is."""
    table = pd.read_parquet(folder / "table.parquet")
    renamed = table.query("subject == 'M1' and session == '1'").assign(session="day 1")
    other = simulated(("M9",), 1, 5)
    held_out = table.query("subject == 'M4' and session == '2'")
    write_table(pd.concat([renamed, other, held_out]), tmp_path / "t.parquet")
    found = run_predict(run, tmp_path / "t.parquet", None, tmp_path / "p")
    assert dict(zip(found.trials.session_labels, found.scored.tolist(), strict=True)) == {
        "M1/day 1": False, "M4/2": True, "M9/1": True,
    }  # fmt: skip
    fitted, name, namesake = found.warnings
    assert fitted.startswith("The run was fitted to 1 of these 3 sessions")
    assert name.startswith("M1/day 1: the same choices and outcomes as in a session to which")
    assert namesake.startswith("M9/1: sessions of these names were fitted, but their trials")


def test_labels_decide_where_the_run_lost_its_predictions(run, folder, tmp_path):
    shutil.copytree(run.folder.path, tmp_path / "run")
    (tmp_path / "run" / "predictions.parquet").unlink()
    table = folder / "table.parquet"
    found = run_predict(tmp_path / "run", table, None, tmp_path / "p")
    assert scores(metrics_of(tmp_path / "p")) == scores(run.metrics)
    assert found.fitted.sum() == 6


def test_a_signal_that_was_not_measured_is_predicted(run, folder, tmp_path):
    table = pd.read_parquet(folder / "table.parquet").drop(columns="dopamine")
    write_table(table, tmp_path / "t.parquet")
    found = run_predict(run, tmp_path / "t.parquet", None, tmp_path / "p")
    assert found.warnings[-1] == "The table has no column dopamine: predicted, not scored."
    models = metrics_of(tmp_path / "p")["models"]
    assert models["disrnn"]["signal"]["dopamine"]["mse"] is None
    close(models["disrnn"]["choice"], run.metrics["models"]["disrnn"]["choice"])
    again = pd.read_parquet(tmp_path / "p" / "predictions.parquet")
    own = run.predictions()
    np.testing.assert_allclose(again["naive.dopamine"], own["naive.dopamine"], rtol=1e-6)
    mistyped = dataclasses.replace(
        PredictConfig.of_run(run.config), table=TableFormat(signal=("dopamin",))
    )
    with pytest.raises(DataError, match="dopamin"):
        run_predict(run, folder / "table.parquet", mistyped, tmp_path / "q")
    assert not (tmp_path / "q").exists()


def test_mistakes_say_what_to_do(run, folder, tmp_path, capsys):
    table, own = folder / "table.parquet", PredictConfig.of_run(run.config)
    cases = {
        r"The run has no model 'belief'; it has disrnn, gru, q_learning":
            dataclasses.replace(own, models=("belief",)),
        r"The run has the signals dopamine, and here are none\. Name as many, .*\(--signal\)":
            dataclasses.replace(own, table=TableFormat()),
        r"The run has the outcomes reward, and here are reward, choice\. Name as many":
            dataclasses.replace(own, table=TableFormat(
                outcome=("reward", "choice"), signal=("dopamine",))),
    }  # fmt: skip
    for message, config in cases.items():
        with pytest.raises(ConfigError, match=message):
            run_predict(run, table, config, tmp_path / "p")
    with pytest.raises(ConfigError, match="already holds a run"):
        run_predict(run, table, own, run.folder.path)
    for option, message in (
        ({"fit_sessions": -1}, "fit_sessions is -1; it must be at least 0"),
        ({"resamples": 0}, "resamples is 0; it must be at least 1"),
    ):
        with pytest.raises(ConfigError, match=message):
            PredictConfig(**option)
    with pytest.raises(SystemExit):
        main(["predict", str(tmp_path), str(table)])
    assert "is not a run folder: it has no config.toml" in " ".join(capsys.readouterr().err.split())
    with pytest.raises(SystemExit):
        main(["predict", str(folder / "run")])
    assert "TABLE is missing" in capsys.readouterr().err


def test_a_run_of_0_1_0_needs_its_table(tmp_path, folder):
    """It kept neither the order of its subjects nor the units of its signals."""
    old = Path(__file__).parents[2] / "fixtures" / "run_0_1_0"
    with pytest.raises(
        DataError, match=r"table of the run in .* is not at trials\.csv\. The run w"
    ):
        run_predict(old, folder / "table.parquet", None, tmp_path / "p")


def test_a_run_without_records_of_its_table_reads_it_again(run, folder, tmp_path):
    shutil.copytree(run.folder.path, tmp_path / "run")
    config = tmp_path / "run" / "config.toml"
    text = config.read_text()
    start = text.index('subjects = [\n    "M9"')
    config.write_text(text[:start] + text[text.index("]", start) + 1 :])
    run_predict(tmp_path / "run", folder / "table.parquet", None, tmp_path / "p")
    assert scores(metrics_of(tmp_path / "p")) == scores(run.metrics)
    changed = pd.read_parquet(folder / "table.parquet").assign(reward=1.0)
    write_table(changed, tmp_path / "changed.parquet")
    config.write_text(config.read_text().replace(str(folder / "table"), str(tmp_path / "changed")))
    with pytest.raises(DataError, match=r"changed\.parquet has changed since the run in"):
        run_predict(tmp_path / "run", folder / "table.parquet", None, tmp_path / "q")


def test_a_chosen_model_alone(run, folder, tmp_path):
    own = dataclasses.replace(PredictConfig.of_run(run.config), models=("Q-learning",))
    found = run_predict(run, folder / "table.parquet", own, tmp_path / "p")
    assert list(found.models) == ["q_learning"]
    assert repr(found).startswith("Predicted: 12 sessions, 6 scored\n")
    table = pd.read_csv(tmp_path / "p" / "scores.csv")
    assert set(table["metric"]) == {"normalized_likelihood", "mse", "r2"}
