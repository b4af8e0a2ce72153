"""Runs compared trial for trial: the differences are those of their models on their table; runs
that scored other trials are refused."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from accumbens.cli import main
from accumbens.errors import ConfigError, DataError
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.trials import write_table
from accumbens.run import FitConfig, compare_runs, load_run, run_fit, run_predict, runs
from accumbens.run.fit.config import SplitConfig
from accumbens.run.fit.pipeline import read_trials
from accumbens.scoring import compare
from accumbens.scoring.splits import apply_split

BASE = FitConfig(
    models=("bias", "naive"), resamples=50, figures=False, table=TableFormat(signal=("dopamine",)),
    animals="pooled",
)  # fmt: skip


def fitted(path, out, **changes):
    return run_fit(path, dataclasses.replace(BASE, **changes), out)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Fits that differ in how animals share parameters, of one split and of two folds."""
    folder = tmp_path_factory.mktemp("runs")
    rng, n = np.random.default_rng(0), 3 * 4 * 20
    subject = np.repeat(["a", "b", "c"], n // 3)
    right = rng.random(n) < pd.Series(subject).map({"a": 0.8, "b": 0.5, "c": 0.3}).to_numpy()
    reward = rng.integers(0, 2, n)
    rows = pd.DataFrame({
        "subject": subject, "session": np.repeat(range(12), 20), "trial": np.tile(range(20), 12),
        "choice": np.where(right, "right", "left"), "reward": reward,
        "dopamine": reward * (1 + (subject == "a")) + rng.normal(size=n),
    })  # fmt: skip
    rows.loc[rng.random(n) < 0.1, ["choice", "reward", "dopamine"]] = None
    write_table(rows, folder / "trials.csv")
    for animals in ("pooled", "separate"):
        fitted(folder / "trials.csv", folder / animals, animals=animals)
        for fold in range(2):
            split = SplitConfig(folds=2, fold=fold, seed=0)
            fitted(folder / "trials.csv", folder / f"{animals}{fold}", animals=animals, split=split)
    return folder


def differences(found):
    frame = found.differences_to_frame()
    return frame.set_index(["set", "model", "signal", "metric"])[["value", "low", "high"]]


def test_differences_are_those_of_the_models_on_the_held_out_trials(made):
    paths = [made / "pooled", made / "separate"]
    found = compare_runs(paths, resamples=50)
    first, second = map(load_run, paths)
    trials = apply_split(first.split, read_trials(made / "trials.csv", first.config))[1]
    trials = trials.select_sessions(np.argsort(trials.session_labels))
    ours = differences(found)
    for model in ("bias", "naive"):
        pair = {"pooled": first.model(model), "separate": second.model(model)}
        expected = compare(pair, trials, rng=np.random.default_rng(0), n_draws=50)
        for row in expected.differences_to_frame().itertuples():
            if model == "naive" and not row.signal:
                continue  # it says nothing of choices, and stands at chance
            value = ours.loc[("separate", model, row.signal, row.metric)]
            np.testing.assert_allclose(value, [row.value, row.low, row.high], rtol=2e-4, atol=1e-7)
    assert abs(ours.loc[("separate", "bias", "", "log_likelihood"), "value"]) > 0.01
    assert abs(ours.loc[("separate", "naive", "dopamine", "mse"), "value"]) > 0.01
    assert not ours.loc[("separate", "naive", "", "log_likelihood")].any()
    scores = found.to_frame().set_index(["set", "model", "signal", "metric"])["value"]
    for run, name in ((first, "pooled"), (second, "separate")):
        metrics = run.metrics["models"]["naive"]["signal"]["dopamine"]
        own = run.metrics["models"]["bias"]["choice"]["normalized_likelihood"]
        assert scores[name, "bias", "", "normalized_likelihood"] == pytest.approx(own, rel=1e-6)
        assert scores[name, "naive", "dopamine", "r2"] == pytest.approx(metrics["r2"], rel=1e-5)
    assert found.trials_hash == first.metrics["data"]["scored_trials_hash"]
    assert set(found.differences_to_frame()["intervals_over"]) == {"animals"}


def test_only_what_differs_is_shown_of_the_options(made, capsys):
    found = compare_runs([made / "pooled", made / "separate"])
    assert list(found.options) == ["run", "set", "animals"]
    assert list(found.options["animals"]) == ["pooled", "separate"]
    assert list(runs(made, where="split.folds=0")["animals"]) == ["pooled", "separate"]
    main(["compare", str(made / "pooled"), str(made / "separate")])
    said = " ".join(capsys.readouterr().out.split())
    assert "What differs" in said
    assert "Is it better than pooled?" in said
    assert "95 % over 3 animals" in said
    assert "The same in all" not in said


def test_folds_and_starts_are_one_set_whose_sessions_are_scored_by_their_own_run(made):
    paths = [made / f"{animals}{fold}" for animals in ("pooled", "separate") for fold in (0, 1)]
    found = compare_runs(paths, by="animals", models=["bias"])
    assert [one.name for one in found.sets] == ["animals=pooled", "animals=separate"]
    total, n = np.zeros(2), 0
    for animals, column in (("pooled", 0), ("separate", 1)):
        for fold in (0, 1):
            frame = load_run(made / f"{animals}{fold}").predictions()
            frame = frame[frame["held_out"] & frame["choice"].notna()]
            p = np.where(frame["choice"] == "right", frame["bias.p_right"], frame["bias.p_left"])
            total[column] += np.log(p).sum()
            n += len(frame)
    expected = (total[1] - total[0]) / (n / 2)
    (row,) = (r for r in found.differences_to_frame().itertuples() if r.metric == "log_likelihood")
    assert row.value == pytest.approx(expected, rel=1e-6)
    assert row.low < row.value < row.high
    twice = compare_runs([*paths, made / "separate"], by=["animals"], models=["bias"])
    assert len(twice.sets[1].runs) == 3  # its sessions are scored twice, and count once
    assert twice.trials_hash == found.trials_hash


def test_runs_that_scored_other_trials_are_refused_with_the_reason(made, tmp_path):
    with pytest.raises(DataError, match=r"pooled and pooled0 did not score the same trials.*split"):
        compare_runs([made / "pooled", made / "pooled0"])
    with pytest.raises(DataError, match=r"scored 6 sessions, of which pooled1 did not score 6 \("):
        compare_runs([made / "pooled0", made / "pooled1"])
    with pytest.raises(DataError, match=r"animals=separate did not score 6"):
        compare_runs([made / n for n in ("pooled0", "pooled1", "separate0")], by="animals")
    table = pd.read_csv(made / "trials.csv")
    made_choice = table["choice"].notna()
    table.loc[made_choice, "choice"] = table["choice"].map({"left": "right", "right": "left"})
    write_table(table, tmp_path / "swapped.csv")
    fitted(tmp_path / "swapped.csv", tmp_path / "swapped")
    with pytest.raises(DataError, match=r"in 6 sessions .* the choices made in them, are others"):
        compare_runs([made / "pooled", tmp_path / "swapped"])
    with pytest.raises(DataError, match=r"did not score the same trials, or choices, of session"):
        compare_runs([made / "pooled", tmp_path / "swapped", made / "separate"], by="animals")


def test_a_signal_in_another_unit_is_left_out_and_said(made, tmp_path):
    table = pd.read_csv(made / "trials.csv")
    table["dopamine"] *= 10
    write_table(table, tmp_path / "tenfold.csv")
    fitted(tmp_path / "tenfold.csv", tmp_path / "tenfold")
    found = compare_runs([made / "pooled", tmp_path / "tenfold"])
    assert set(found.differences_to_frame()["signal"]) == {""}
    assert any("dopamine is not compared" in note and "unit" in note for note in found.notes)
    fitted(made / "trials.csv", tmp_path / "plain", table=TableFormat())
    found = compare_runs([made / "pooled", tmp_path / "plain"])
    assert any("plain did not score it" in note for note in found.notes)


def test_models_are_chosen_and_compared_with_another_one(made, tmp_path):
    fitted(made / "trials.csv", tmp_path / "naive", models=("naive",))
    found = compare_runs([made / "pooled", tmp_path / "naive"], against="bias")
    frame = found.differences_to_frame()
    pairs = set(zip(frame["model"], frame["reference_model"], strict=True))
    assert pairs == {("naive", "bias")}
    choices = frame[(frame["metric"] == "log_likelihood") & (frame["model"] == "naive")]
    bias = load_run(made / "pooled").metrics["models"]["bias"]["choice"]["normalized_likelihood"]
    assert choices["value"].item() == pytest.approx(np.log(0.5) - np.log(bias), rel=1e-5)
    with pytest.raises(ConfigError, match=r"Not every run has the model bias.*--against bias"):
        compare_runs([made / "pooled", tmp_path / "naive"], models=["bias"])
    with pytest.raises(ConfigError, match=r"no model 'gru'; they have bias, naive"):
        compare_runs([made / "pooled", made / "separate"], models=["gru"])


def test_predictions_of_the_same_new_sessions_are_compared(made, tmp_path):
    for name in ("pooled", "separate"):
        run_predict(made / name, made / "trials.csv", None, tmp_path / name)
    found = compare_runs([tmp_path / "pooled", tmp_path / "separate"])
    fits = compare_runs([made / "pooled", made / "separate"])
    ours, theirs = differences(found), differences(fits)
    np.testing.assert_allclose(ours["value"], theirs.loc[ours.index, "value"], rtol=1e-5, atol=1e-9)


def test_what_cannot_be_compared_is_told(made, tmp_path):
    with pytest.raises(ConfigError, match="at least two runs"):
        compare_runs([made / "pooled"])
    with pytest.raises(ConfigError, match="is named twice"):
        compare_runs([made / "pooled", made / "separate" / ".." / "pooled"])
    with pytest.raises(ConfigError, match="All 2 runs agree in seed"):
        compare_runs([made / "pooled", made / "separate"], by="seed")
    with pytest.raises(ConfigError, match=r"--by: the runs have no 'sede'"):
        compare_runs([made / "pooled", made / "separate"], by="sede")
    with pytest.raises(DataError, match="cannot be compared: it is no run folder"):
        compare_runs([made / "pooled", made / "nowhere"])
    for name in ("lost", "other", "torn"):
        shutil.copytree(made / "separate", tmp_path / name)
    (tmp_path / "lost" / "predictions.parquet").unlink()
    with pytest.raises(DataError, match=r"has no predictions\.parquet"):
        compare_runs([made / "pooled", tmp_path / "lost"])
    shutil.copy(made / "separate0" / "predictions.parquet", tmp_path / "other")
    with pytest.raises(DataError, match="holds other scored trials than metrics"):
        compare_runs([made / "pooled", tmp_path / "other"])
    frame = load_run(made / "separate").predictions().drop(columns="naive.dopamine")
    write_table(frame, tmp_path / "torn" / "predictions.parquet")
    with pytest.raises(DataError, match=r"torn is damaged: .*KeyError: 'naive\.dopamine'"):
        compare_runs([made / "pooled", tmp_path / "torn"])


def test_differences_go_to_a_file_or_standard_output(made, tmp_path, capsys):
    words = ["compare", str(made / "pooled"), str(made / "separate"), "--resamples", "50"]
    main([*words, "--csv"])
    (tmp_path / "printed.csv").write_text(capsys.readouterr().out)
    main([*words, "--out", str(tmp_path / "file.csv")])
    ours = compare_runs([made / "pooled", made / "separate"], resamples=50).differences_to_frame()
    for name in ("printed.csv", "file.csv"):
        frame = pd.read_csv(tmp_path / name, keep_default_na=False)
        np.testing.assert_allclose(frame["value"].astype(float), ours["value"], rtol=1e-12)
    assert json.loads((Path(made) / "pooled" / "metrics.json").read_text())["unit"] == "subject"
