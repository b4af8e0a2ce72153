"""All results below a folder in one table: what differs, scores, data, versions; whatever lies
there, nothing stops it."""

import json
import math
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from accumbens.cli import main
from accumbens.errors import ConfigError, DataError
from accumbens.files import CLAIM, claimed
from accumbens.io.tables.trials import write_table
from accumbens.run import FitConfig, load_run, run_fit, runs
from accumbens.run.fit.config import SplitConfig
from accumbens.run.index.choosing import read_conditions
from accumbens.run.index.frame import FACTS, HEAD
from accumbens.run.kinds import KINDS
from accumbens.run.options import options_of
from accumbens.run.sweep.axes import read_axes
from accumbens.run.sweep.cell import run_cell
from accumbens.run.sweep.plan import read_plan, write_plan
from accumbens.run.sweep.sweeping import planned

OLD = Path(__file__).parents[2] / "fixtures" / "run_0_1_0"
CONFIG = FitConfig(models=("bias", "naive"), resamples=9, figures=False)


def small_table(path, seed=0):
    rng = np.random.default_rng(seed)
    n = 3 * 2 * 20
    frame = pd.DataFrame({
        "subject": np.repeat(["a", "b", "c"], n // 3), "session": np.repeat(range(6), 20),
        "trial": np.tile(range(20), 6), "choice": rng.integers(0, 2, n),
        "reward": rng.integers(0, 2, n), "dopamine": rng.normal(size=n),
    })  # fmt: skip
    write_table(frame, path)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two fits that differ in the seed, and a sweep of three cells, one of which fails."""
    folder = tmp_path_factory.mktemp("index")
    table = small_table(folder / "trials.csv")
    for seed in (0, 1):
        run_fit(table, FitConfig(**{**vars(CONFIG), "seed": seed}), folder / "runs" / f"s{seed}")
    sweep = folder / "sweeps" / "animals"
    sweep.mkdir(parents=True)
    axes = read_axes({"only_subjects": [["a"], ["b"], ["nobody"]]})
    write_plan(sweep, planned(table, CONFIG, axes))
    for cell in read_plan(sweep).cells:
        run_cell(str(sweep), cell.name)
    return folder


@pytest.fixture
def copied(made, tmp_path):
    shutil.copytree(made, tmp_path / "all")
    return tmp_path / "all"


def test_only_what_differs_is_a_column_and_numbers_are_those_of_the_runs(made):
    frame = runs(made / "runs")
    assert list(frame["run"]) == [str(made / "runs" / name) for name in ("s0", "s1")]
    options = {option.key for option in options_of(FitConfig)}
    assert [c for c in frame if c in options] == ["seed"]
    assert list(frame["seed"]) == [0, 1]
    assert frame["seed"].dtype.kind == "i"
    for row in frame.itertuples():
        run = load_run(row.run)
        choice = run.metrics["models"]["bias"]["choice"]
        signal = run.metrics["models"]["naive"]["signal"]
        value, low, high = (
            frame.loc[row.Index, f"bias.normalized_likelihood{end}"]
            for end in ("", "_low", "_high")
        )
        assert value == choice["normalized_likelihood"]
        assert [low, high] == choice["normalized_likelihood_interval"]
        assert signal == {}
        assert row.fingerprint == run.about["fingerprint"]
        assert row.scored_trials_hash == run.metrics["data"]["scored_trials_hash"]
        assert row.when == json.loads((run.folder.path / "made.json").read_text())[0]["begun"]
    assert set(frame["intervals_over"]) == {"animals"}
    assert set(frame["held_out"]) == {True}
    assert set(frame["data"]) == {"trials.csv"}
    every = runs(made / "runs", every_option=True)
    assert {c for c in every if c in options} == options - {"unit"} | ({"unit"} & set(every))
    assert len(every) == 2


def test_cells_stand_under_their_sweep_and_a_failed_one_says_why(made, capsys):
    frame = runs(made)
    sweep = str(made / "sweeps" / "animals")
    assert list(frame["sweep"].dropna()) == [sweep] * 3
    cells = frame[frame["sweep"] == sweep].set_index("state")
    assert sorted(cells.index) == ["done", "done", "failed"]
    assert "no session of nobody" in cells.loc["failed", "reason"]
    assert sorted(cells["only_subjects"].dropna()) == ["a", "b"]
    main(["runs", str(made)])
    said = "".join(capsys.readouterr().out.split())  # wherever long paths break
    assert f"Runsbelow{made}:2" in said
    assert f"Sweep{sweep}:3of3cells,2done,1failed" in said
    assert "Warning:" in said
    assert "nosessionofnobody" in said


def test_signals_have_scores_in_their_unit(made, tmp_path):
    config = FitConfig(
        models=("bias", "naive"), resamples=9, figures=False,
        table=type(CONFIG.table)(signal=("dopamine",)), split=SplitConfig(every=0),
    )  # fmt: skip
    run = run_fit(made / "trials.csv", config, tmp_path / "run")
    (row,) = runs(tmp_path).to_dict("records")
    score = run.metrics["models"]["naive"]["signal"]["dopamine"]
    assert row["naive.dopamine.mse"] == score["mse"]
    assert [row["naive.dopamine.r2_low"], row["naive.dopamine.r2_high"]] == score["r2_interval"]
    assert not row["held_out"]


@pytest.mark.parametrize(
    ("where", "seeds"),
    [
        ("seed=1", [1]), ("seed = 1.0", [1]), ("seed!=1", [0]), ("seed<1", [0]),
        ("seed>=0", [0, 1]),
        ("--seed<=0", [0]), ("kind=fit", [0, 1]), ("state!=done", []), ("run~S1", [1]),
        ("when>2000-01-01", [0, 1]), ("when<2000-01-01", []), ("held_out=true", [0, 1]),
        ("models=bias+naive", [0, 1]), ("models~naive", [0, 1]), ("sweep=", [0, 1]),
        ("sweep!=x", [0, 1]), ("penalties.factor=none", [0, 1]), ("disrnn.latents>100", []),
        ("bias.normalized_likelihood>0.1", [0, 1]), ("bias.normalized_likelihood>=2", []),
        ("accumbens~0", [0, 1]),
    ],
)  # fmt: skip
def test_rows_are_chosen(made, where, seeds):
    assert list(runs(made / "runs", where=where)["seed"]) == seeds


def test_rows_are_sorted_and_empty_cells_come_last(made):
    assert list(runs(made / "runs", sort="-seed")["seed"]) == [1, 0]
    frame = runs(made, sort=["-only_subjects", "seed"])
    assert list(frame["only_subjects"].dropna())[:2] in (["none", "none"],)
    assert list(frame["only_subjects"])[-1] is None
    assert list(runs(made, sort="only-subjects")["only_subjects"])[:2] == ["a", "b"]


def test_a_condition_that_is_none_and_a_name_that_is_unknown_are_refused(made):
    with pytest.raises(ConfigError, match=r"takes NAME=VALUE.*'seed' is not of that form"):
        runs(made, where="seed")
    with pytest.raises(ConfigError, match=r"'seed>' is not of that form"):
        runs(made, where="seed>")
    with pytest.raises(ConfigError, match=r"--where: the runs have no 'sed'\. Did you mean .*seed"):
        runs(made, where="sed=1")
    with pytest.raises(ConfigError, match=r"--sort: 'normalized_likelihood' may be bias.*or naive"):
        runs(made, sort="normalized_likelihood")
    with pytest.raises(DataError, match=r"nowhere is not there\. Name a folder"):
        runs(made / "nowhere")
    with pytest.raises(DataError, match="is a file, and no folder"):
        runs(made / "trials.csv")


def changed(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


DAMAGES = {
    "metrics.json is no JSON": (lambda f: (f / "metrics.json").write_text("{"), "is damaged"),
    "metrics.json is a list": (lambda f: (f / "metrics.json").write_text("[]"), "no names and"),
    "deeply nested": (lambda f: (f / "metrics.json").write_text("[" * 100_000), "is damaged"),
    "no models": (lambda f: (f / "metrics.json").write_text('{"data": {}}'), "KeyError: 'models'"),
    "text for a number": (
        lambda f: changed(f / "metrics.json", 'likelihood": 0', 'likelihood": "x", "y": 0'),
        "bias.normalized_likelihood is 'x', and no number",
    ),
    "config.toml is no TOML": (lambda f: (f / "config.toml").write_text("= ="), "cannot be read"),
    "config.toml in Latin-1": (lambda f: (f / "config.toml").write_bytes(b"a = '\xe4'"), "cannot"),
    "config.toml is lost": (lambda f: (f / "config.toml").unlink(), "has no config.toml"),
    "about is lost": (lambda f: (f / "config.toml").write_text("seed = 1"), "which data"),
    "a later kind": (
        lambda f: changed(f / "config.toml", "[about]", '[about]\nkind = "magic"'),
        "the kind 'magic', which this version does not know",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_run_has_its_reason_and_stops_nothing(copied, name, capsys):
    damage, reason = DAMAGES[name]
    damage(copied / "runs" / "s1")
    frame = runs(copied / "runs")
    assert list(frame["state"]) == ["done", "damaged"]
    assert reason in frame["reason"][1]
    assert "\n" not in frame["reason"][1]
    main(["runs", str(copied)])
    assert reason in " ".join(capsys.readouterr().out.split())


def test_odd_values_in_made_json_and_options_are_carried_along(copied):
    folder = copied / "runs" / "s1"
    (folder / "made.json").write_text('[{"begun": 3, "seconds": "long"}, {"seconds": true}]')
    text = (folder / "config.toml").read_text()
    odd = 'future = [{a = 1}, {a = 2}]\nversion = "x"\nrun = "y"\n'
    (folder / "config.toml").write_text(odd + text)
    frame = runs(copied / "runs", where="run~s1", every_option=True)
    assert list(frame["state"]) == ["done"]
    assert frame["option.run"][0] == "y"
    assert frame["run"][0] == str(folder)
    assert frame["when"][0] == "3"
    main(["runs", str(copied)])
    (folder / "made.json").write_text("[" * 100_000)
    assert list(runs(copied / "runs")["state"]) == ["done", "done"]


def test_unfinished_and_running_fits_are_told_apart(copied):
    for name in ("s0", "s1"):
        (copied / "runs" / name / "metrics.json").unlink()
    (copied / "runs" / "s1" / CLAIM).touch()  # left by a process that was killed
    with claimed(copied / "runs" / "s0"):
        assert list(runs(copied / "runs")["state"]) == ["under way", "not finished"]
    assert list(runs(copied / "runs")["state"]) == ["not finished", "not finished"]


def test_what_is_not_ours_is_passed_by(copied):
    site, hidden = copied / "site", copied / ".hidden"
    site.mkdir()
    (site / "config.toml").write_text("title = 'My page'")
    (copied / "runs" / "s0" / "figures" / "config.toml").write_text("= =")
    shutil.copytree(copied / "runs" / "s0", hidden / "run")
    os.symlink(copied, copied / "runs" / "around")
    os.symlink(copied / "nowhere", copied / "runs" / "dangling")
    assert len(runs(copied / "runs", where="kind=fit")) == 5  # by the link, each once
    assert len(runs(copied)) == 5


def test_a_run_of_0_1_0_stands_beside_later_ones(copied, capsys):
    shutil.copytree(OLD, copied / "runs" / "old")
    frame = runs(copied / "runs")
    assert "split.count" not in frame  # what 0.1.0 did not have, and all others leave alone
    frame = runs(copied / "runs", every_option=True).set_index("run")
    old = frame.loc[str(copied / "runs" / "old")]
    expected = json.loads((OLD / "metrics.json").read_text())["models"]["gru"]["choice"]
    assert old["gru.normalized_likelihood"] == expected["normalized_likelihood"]
    assert old["state"] == "done"
    assert old["open_latents"] == 2
    assert "gru.patience" not in frame
    assert old["recipe.penalties.latent"] == 0.0006
    main(["runs", str(copied / "runs")])
    assert "old" in capsys.readouterr().out


def test_an_option_that_only_later_runs_have_differs_where_it_is_not_the_default(copied):
    text = (copied / "runs" / "s0" / "config.toml").read_text()
    lost = "\n".join(line for line in text.splitlines() if not line.startswith("count"))
    (copied / "runs" / "s0" / "config.toml").write_text(lost)
    assert "split.count" not in runs(copied / "runs")
    changed(copied / "runs" / "s1" / "config.toml", "within-subject", "subjects")
    assert list(runs(copied / "runs")["split.count"]) == [None, "subjects"]


def test_names_of_options_and_other_columns_do_not_meet():
    keys = {o.key for kind in KINDS if kind.config for o in options_of(kind.config_class)}
    found = {"open_latents", "held_out", "intervals_over", "choices_scored", "scored_trials_hash"}
    assert not keys & {*HEAD, *FACTS, *found}


def test_csv_goes_to_standard_output_or_a_file_and_replaces_nothing_unasked(made, tmp_path, capsys):
    main(["runs", str(made / "runs"), "--csv"])
    (tmp_path / "printed.csv").write_text(capsys.readouterr().out)
    main(["runs", str(made / "runs"), "--out", str(tmp_path / "runs.csv")])
    for name in ("printed.csv", "runs.csv"):
        frame = pd.read_csv(tmp_path / name)
        assert list(frame) == list(runs(made / "runs"))
        assert list(frame["seed"]) == [0, 1]
    main(["runs", str(made), "--out", str(tmp_path / "runs.parquet")])
    assert len(pd.read_parquet(tmp_path / "runs.parquet")) == 5
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["runs", str(made / "runs"), "--out", str(tmp_path / "runs.csv")])
    assert "is there already" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_fits_the_terminal(copied, columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    for i in range(3):
        path = copied / "runs" / "s1" / "config.toml"
        path.write_text(path.read_text().replace(f"latents = {i + 5}", f"latents = {i + 6}"))
    main(["runs", str(copied)])
    lines = capsys.readouterr().out.splitlines()
    table = [line for line in lines if line[:1] in "┏┃┡│└"]
    assert table
    assert max(map(len, table)) <= columns
    assert any("penalties" not in line for line in table)


def test_a_folder_without_runs_says_so(tmp_path, capsys):
    assert len(runs(tmp_path)) == 0
    main(["runs", str(tmp_path)])
    assert "There are no runs below" in capsys.readouterr().out
    assert len(runs(tmp_path, where="seed=3", sort="-seed")) == 0


def test_conditions_are_read_with_blanks_and_signs_in_the_value():
    (found,) = read_conditions(["run ~ a=b<c"])
    assert (found.name, found.sign, found.value) == ("run", "~", "a=b<c")
    assert not found.holds(math.nan)
