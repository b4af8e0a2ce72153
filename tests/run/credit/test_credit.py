"""`accumbens credit` from a table to its folder: everything is there and agrees with itself."""

import dataclasses
import json
import re

import jax
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import accumbens.io.tables.files
import accumbens.io.tables.trials
from accumbens.cli import main
from accumbens.cli.credit import with_interval
from accumbens.cohort import draw_agents, simulate_cohort
from accumbens.credit.history.refit import refit_implementation
from accumbens.errors import ConfigError, DataError
from accumbens.io.models import load_model
from accumbens.io.tables.files import open_table
from accumbens.io.tables.trials import to_table, write_table
from accumbens.models.structured import StructureMixture
from accumbens.run.credit.analysis import (
    analyse_credit,
    read_credit_trials,
    run_credit,
    write_credit,
)
from accumbens.run.credit.config import CreditConfig
from accumbens.run.credit.methods import credit_methods
from accumbens.run.credit.schedule_check import note_on_ridge
from accumbens.tasks.distractor import DistractorRewards
from accumbens.trials import Trials

MEDIANS = {"learning_rate": 0.3, "inverse_temperature": 4.0, "structure_weight": 0.5}
CONFIG = CreditConfig("controllable", "distractor", lags=3, resamples=60, bootstrap=20)


@pytest.fixture(scope="module")
def trials() -> Trials:
    agents = draw_agents(StructureMixture, MEDIANS, 3, 0.3, key=jax.random.key(0))
    return simulate_cohort(
        agents, DistractorRewards(), n_sessions=3, n_trials=150, key=jax.random.key(1)
    )


@pytest.fixture(scope="module")
def table(trials, tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "trials.parquet"
    write_table(to_table(trials), path)
    return path


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    return folder, run_credit(table, CONFIG, folder)


def test_what_was_found_is_a_table_with_the_group_first(run):
    _, found = run
    title, heads, first, *rest = repr(found).splitlines()
    rest, said = rest[: 2 * 4 - 1], " ".join(" ".join(rest[2 * 4 - 1 :]).split())
    assert "distractor index > 0. In these animals: " in said
    assert "In animals like these: observed minus null mean" in said
    assert title == "Credit assignment: 3 subjects, 9 sessions, 2 tests"
    assert heads.split()[:2] == ["subject", "index"]
    assert len(rest) == 2 * 4 - 1
    index = next(index for index in found.indices if index.subject == "group")
    assert first.split()[:3] == ["group", index.name, f"{index.value:.4g}"]
    assert first.split()[-2:] == [f"{test.group_p_value():.4g}" for test in found.tests]
    assert found._repr_html_().count("<tr>") == 1 + 2 * 4


def test_the_folder_holds_the_numbers(run, trials):
    folder, found = run
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["data"]["subjects"] == 3
    assert metrics["data"]["trials"] == 3 * 3 * 150
    assert metrics["warnings"] == []
    assert metrics["refits"] == refit_implementation()
    assert set(metrics["tests"]) == {
        "distractor index > 0", "controllable index > distractor index",
    }  # fmt: skip
    test = found.tests[1]
    written = metrics["tests"][test.name]
    assert written["resamples"] == 60
    assert written["in_these_animals"]["p_one_sided"] == test.group_p_value()
    assert written["in_these_animals"]["null_mean"] == pytest.approx(test.null.mean())
    effects = test.observed - test.null.mean(0)
    like = written["in_animals_like_these"]
    expected = stats.ttest_1samp(effects, 0.0)
    assert (like["n"], like["p"]) == (3, pytest.approx(expected.pvalue))
    assert like["high"] == pytest.approx(expected.confidence_interval().high)
    answers = pd.read_csv(folder / "answers.csv").set_index("test")
    assert answers.loc[test.name, "like_these_p_two_sided"] == pytest.approx(expected.pvalue)
    index = metrics["group"]["indices"]["controllable"]
    subjects = metrics["subjects"].values()
    of_subjects = [subject["indices"]["controllable"]["value"] for subject in subjects]
    assert index["value"] == pytest.approx(np.mean(of_subjects))
    null = pd.read_parquet(folder / "null.parquet")
    assert len(null) == 2 * 60 * 3
    here = null[(null["test"] == test.name) & (null["subject"] == "mouse_02")]["statistic"]
    np.testing.assert_array_equal(here, test.null[:, 1])
    weights = pd.read_parquet(folder / "weights.parquet")
    assert set(weights["subject"]) == {"mouse_01", "mouse_02", "mouse_03", "pooled"}
    assert len(weights) == 4 * 13
    model = load_model(folder / "models" / "history")
    np.testing.assert_allclose(np.asarray(model.weights[1]), found.fits[1].by_type, rtol=1e-6)
    frame = pd.read_csv(folder / "indices.csv")
    assert frame["subject"].tolist()[-2:] == ["group", "group"]
    names = {path.stem for path in (folder / "figures").iterdir()}
    assert {"credit_session", "history_weights", "credit_indices", "null_distributions"} <= names


def test_its_methods_are_those_of_the_run(run):
    """Numbers and options of this run; every citation has its reference and no other."""
    folder, _ = run
    said = (folder / "methods.md").read_text()
    assert said.startswith("# Methods: credit assignment\n\nChoices of 3 subjects in 9 sessions")
    assert "3 lags" in said
    assert "maximum likelihood with no penalty" in said
    assert "20 resamples of the subject's sessions" in said
    assert "(ridge 0.01) was refitted to each of 60 redrawn experiments (seed 0)" in said
    assert "Student's t over 3 animals of the observed statistic minus the mean" in said
    assert "were columns of the table" in said
    cited = set(re.findall(r"\[(\d+)\]", said))
    assert cited == set(re.findall(r"^(\d+)\. ", said, re.MULTILINE))
    assert not re.search(r"\[[a-z]+\]", said)
    one = dataclasses.replace(CONFIG, distractor=None, ridge="cv")
    metrics = json.loads((folder / "metrics.json").read_text()) | {"tests": {}}
    metrics["subjects"]["mouse_01"]["sessions"] = 1
    said = credit_methods(metrics, one)
    assert "redrawn" not in said
    assert "chosen for each subject by cross-validation over its sessions" in said
    assert "of 1 subject with a single session they take trials as independent" in said


def test_show_prints_it_again(run, capsys):
    folder, found = run
    main(["show", str(folder)])
    said = capsys.readouterr().out
    assert f"{found.indices[-1].value:.2f}" in said
    assert "mouse_03" in said
    assert f"{found.tests[0].group_p_value():.4f}" in said
    assert f"t(2) = {found.answers[0].like_these.t:.2f}" in " ".join(said.split())


def test_the_same_seed_gives_the_same_numbers(run, table, tmp_path):
    folder, _ = run
    run_credit(table, CONFIG, tmp_path / "again")
    again = (tmp_path / "again" / "metrics.json").read_text()
    assert again == (folder / "metrics.json").read_text()


def test_probabilities_may_be_numbers_or_columns(table, trials):
    found, schedule = read_credit_trials(table, CONFIG)
    stated = CreditConfig(
        "controllable", "distractor",
        probabilities=("controllable_probability_0", "controllable_probability_1", "0.5"),
    )  # fmt: skip
    _, same = read_credit_trials(table, stated)
    np.testing.assert_array_equal(schedule.probability, same.probability)
    assert found.names.outcomes == ("controllable", "distractor")


def test_swapped_columns_get_a_loud_warning(table, capsys, tmp_path):
    options = ["--lags", "1", "--resamples", "5", "--bootstrap", "5"]
    swapped = ["--controllable", "distractor", "--distractor", "controllable"]
    probabilities = ["--probabilities", "0.5", "0.5", "0.5"]
    command = ["credit", str(table), *swapped, *probabilities, *options]
    with pytest.raises(SystemExit):
        main([*command, "--out", str(tmp_path / "refused")])
    refused = " ".join(capsys.readouterr().err.split())
    assert "'controllable' contradicts its own in 9 sessions" in refused
    assert "go on with trust_schedule (--trust-schedule)" in refused
    main([*command, "--trust-schedule", "--out", str(tmp_path / "r")])
    schedule = json.loads((tmp_path / "r" / "metrics.json").read_text())["schedule"]
    assert (schedule["believable"], schedule["trust_schedule"]) == (False, True)
    assert schedule["likely_cause"]
    said = " ".join(capsys.readouterr().out.split())
    assert "Warning: The distractor column 'controllable' depends on the choice" in said
    assert "Are two columns swapped?" in said
    assert "The tests trust the stated schedule all the same" in said
    assert "The schedule: how often outcomes came" in said


def test_one_reward_and_no_schedule(table, trials, capsys, tmp_path):
    out = tmp_path / "one"
    options = ["--lags", "2", "--bootstrap", "5", "--out", str(out)]
    main(["credit", str(table), "--controllable", "controllable", *options])
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["tests"] == {}
    assert list(metrics["group"]["indices"]) == ["controllable"]
    assert not (out / "null.parquet").exists()
    said = capsys.readouterr().out
    assert "mouse_03" in said
    bare = pd.read_parquet(table)[["subject", "session", "trial", "choice", "controllable",
                                   "distractor"]]  # fmt: skip
    bare.to_csv(tmp_path / "bare.csv", index=False)
    trials, schedule = read_credit_trials(tmp_path / "bare.csv", CONFIG)
    assert schedule is None
    found = analyse_credit(trials, schedule, CONFIG)
    assert "are no randomization tests. Give 3 of them with --probabilities" in (found.warnings[0])


def test_the_table_is_read_once(table, tmp_path, monkeypatch):
    """Counted where every table is opened; the table has columns of probabilities and no trial
    numbers, which the format must first learn."""
    opened = []

    def counted(path, *more):
        opened.append(str(path))
        return open_table(path, *more)

    monkeypatch.setattr(accumbens.io.tables.files, "open_table", counted)
    monkeypatch.setattr(accumbens.io.tables.trials, "open_table", counted)
    frame = pd.read_parquet(table).drop(columns="trial")
    write_table(frame, tmp_path / "rows.parquet")
    trials, schedule = read_credit_trials(tmp_path / "rows.parquet", CONFIG)
    assert opened == [str(tmp_path / "rows.parquet")]
    assert schedule is not None
    assert trials.number[0, :3].tolist() == [0, 1, 2]


def test_columns_of_probabilities_may_have_the_names_of_outcomes_or_roles(table, tmp_path):
    frame = pd.read_parquet(table)
    renamed = frame.rename(columns={"controllable": "juice", "distractor": "tone"})
    write_table(renamed, tmp_path / "roles.parquet")
    config = CreditConfig("juice", "tone")
    _, by_role = read_credit_trials(tmp_path / "roles.parquet", config)
    assert by_role.outcomes == ("juice", "tone")
    renamed = renamed.rename(columns=lambda name: name.replace("controllable_", "juice_"))
    write_table(renamed, tmp_path / "mixed.parquet")
    assert read_credit_trials(tmp_path / "mixed.parquet", config)[1] is None
    renamed = renamed.rename(columns=lambda name: name.replace("distractor_", "tone_"))
    write_table(renamed, tmp_path / "own.parquet")
    _, by_name = read_credit_trials(tmp_path / "own.parquet", config)
    np.testing.assert_array_equal(by_name.probability, by_role.probability)
    _, original = read_credit_trials(table, CONFIG)
    np.testing.assert_array_equal(by_name.probability, original.probability)
    assert original.controllable[0, 0].tolist() == frame.loc[
        0, ["controllable_probability_0", "controllable_probability_1"]].tolist()  # fmt: skip


def test_two_distractors(table, tmp_path, capsys):
    """A second distractor is a third outcome: it has an index and two tests of its own."""
    frame = pd.read_parquet(table)
    frame["tone"] = (np.random.default_rng(0).random(len(frame)) < 0.3).astype(int)
    write_table(frame, tmp_path / "three.parquet")
    main(["credit", str(tmp_path / "three.parquet"), "--controllable", "controllable",
          "--distractor", "distractor", "--more-distractors", "tone",
          "--probabilities", "controllable_probability_0", "controllable_probability_1",
          "distractor_probability", "0.3", "--lags", "2",
          "--resamples", "50", "--bootstrap", "10", "--out", str(tmp_path / "run")])  # fmt: skip
    said = " ".join(capsys.readouterr().out.split())
    assert "controllable index > tone index (50 resamples, seed 0; the smallest p that" in said
    assert "they can give is 0.02) In these animals: " in said
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert list(metrics["group"]["indices"]) == ["controllable", "distractor", "tone"]
    assert list(metrics["tests"]) == [
        "distractor index > 0", "controllable index > distractor index", "tone index > 0",
        "controllable index > tone index",
    ]  # fmt: skip
    assert metrics["warnings"] == []
    assert metrics["tests"]["tone index > 0"]["in_these_animals"]["p_one_sided"] > 0.02
    session = pd.read_csv(tmp_path / "run" / "figures" / "credit_session.csv")
    assert session["tone probability"].unique().tolist() == [0.3]


def test_an_interval_that_is_not_there_is_not_printed():
    assert with_interval(1.234, 1.0, 1.5) == "1.23 (1.00, 1.50)"
    assert with_interval(1.234, float("nan"), float("nan")) == "1.23"


def test_an_analysis_that_fails_leaves_no_folder(table, tmp_path):
    config = CreditConfig("controllable", "distractor", probabilities=("0.5", "0.5", "0"))
    with pytest.raises(DataError, match="outcome distractor contradicts its probability"):
        run_credit(table, config, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_bad_options_are_refused(run, table):
    folder, _ = run
    with pytest.raises(ConfigError, match=r"already holds a run\. Choose another folder"):
        run_credit(table, CONFIG, folder)
    with pytest.raises(ConfigError, match="lags is 0; it must be at least 1"):
        CreditConfig("a", "b", lags=0)
    with pytest.raises(
        ConfigError, match=r"probabilities has 2 entries\. For 2 choices and 2 outco"
    ):
        CreditConfig("a", "b", probabilities=("x", "y"))
    with pytest.raises(ConfigError, match=r"name a column twice: a, a\. They are different"):
        CreditConfig("a", "a")
    with pytest.raises(ConfigError, match=r"more_distractors needs distractor\. Name the first"):
        CreditConfig("a", more_distractors=("b",))
    with pytest.raises(ConfigError, match="probabilities are for the tests, which also need a"):
        CreditConfig("a", probabilities=("x", "y", "z"))


def test_the_regression_that_is_kept_is_of_the_level_asked_for(trials, run, tmp_path):
    """Separate by default; pooled for all; hierarchical between them, with a table of its own."""
    folder, _ = run
    kept = {"separate": np.asarray(load_model(folder / "models" / "history").weights)}
    for level in ("pooled", "hierarchical"):
        config = dataclasses.replace(CONFIG, animals=level, resamples=1, bootstrap=5)
        found = analyse_credit(trials, None, config)
        write_credit(found, config, "table", tmp_path / level)
        kept[level] = np.asarray(load_model(tmp_path / level / "models" / "history").weights)
    apart, whole, group = (kept[name] for name in ("separate", "pooled", "hierarchical"))
    assert (whole == whole[0]).all()
    assert ((group - whole) ** 2).sum() < ((apart - whole) ** 2).sum()
    assert not (tmp_path / "pooled" / "weights_hierarchical.parquet").exists()
    table = pd.read_parquet(tmp_path / "hierarchical" / "weights_hierarchical.parquet")
    assert table["subject"].drop_duplicates().tolist() == [*trials.names.subjects, "group"]
    own = table[table["subject"] == trials.names.subjects[0]]
    np.testing.assert_allclose(own["weight"].to_numpy()[1:], group[0].ravel(), rtol=1e-5)
    metrics = json.loads((tmp_path / "hierarchical" / "metrics.json").read_text())
    assert set(metrics["group"]["history"]["spread"]) > {"bias", "none"}
    assert metrics["group"]["history"]["in_words"].startswith("History regression of 3 animals")


def test_tests_say_when_they_hold_and_which_ridge_they_have(table, trials, run):
    folder, found = run
    metrics = json.loads((folder / "metrics.json").read_text())
    first, second = (metrics["tests"][test.name] for test in found.tests)
    assert "followed choices and the rewards that are held" in first["holds_under"]
    assert "not where they followed which reward it was" in second["holds_under"]
    redrawn = [s["trials_redrawn"] for s in first["subjects"].values()]
    assert redrawn == [450, 450, 450]
    assert first["in_these_animals"]["redrawn"] == 1350
    single = trials.outcome.sum(-1) == 1
    assert second["in_these_animals"]["redrawn"] == int((single & trials.valid).sum())
    by_rate = metrics["schedule"]["rates"]
    assert sum(r["trials"] for r in by_rate) == 2 * int(trials.valid.sum())
    assert note_on_ridge("cv", True)[0].startswith("Weights and indices have the ridge that cross-")
    assert note_on_ridge(1.0, True) == note_on_ridge("cv", False) == ()
