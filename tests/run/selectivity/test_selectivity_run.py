"""`accumbens selectivity` from a table to its folder: it is all there and agrees with itself."""

import json

import jax
import numpy as np
import pandas as pd
import pytest

import accumbens.io.tables.files
import accumbens.io.tables.trials
from accumbens.cli import main
from accumbens.errors import ConfigError, DataError
from accumbens.io.format import SourceFormat
from accumbens.io.tables.files import open_table
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.trials import to_table, write_table
from accumbens.models.structured import StructureMixture
from accumbens.neural.units.outcome_responses import outcome_responses
from accumbens.neural.units.regions import selectivity_by_region
from accumbens.run.convert.config import ConvertConfig, SpikesConfig
from accumbens.run.convert.conversion import convert_files, write_converted
from accumbens.run.convert.record import record_path
from accumbens.run.selectivity.analysis import read_units_table, run_selectivity
from accumbens.run.selectivity.config import SelectivityConfig
from accumbens.simulation import simulate
from accumbens.tasks.distractor import DistractorRewards

OUTCOMES = ("controllable", "distractor")
UNITS = tuple(f"unit_{u}" for u in range(18))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Six sessions with 18 units: 0 to 5 (ACB) respond to the controllable reward, 6 to 11 (MOs) to
    the distractor, and 12 to 17, of unknown region, to nothing."""
    agent = StructureMixture(
        learning_rate=0.3, inverse_temperature=4.0, structure_weight=0.5, gain=1.0, offset=0.0
    )
    trials = simulate(agent, DistractorRewards(), n_sessions=6, n_trials=120, key=jax.random.key(0))
    rng = np.random.default_rng(0)
    rate = 5 + rng.normal(size=(6, 120, 18))
    rate[..., :6] += 1.5 * trials.outcome[..., :1]
    rate[..., 6:12] -= 1.5 * trials.outcome[..., 1:]
    folder = tmp_path_factory.mktemp("tables")
    write_table(to_table(trials.with_signals(rate, UNITS)), folder / "units.parquet")
    regions = ["ACB"] * 6 + ["MOs"] * 6
    pd.DataFrame({"unit": UNITS[:12], "region": regions}).to_csv(folder / "regions.csv")
    return folder


def options(cohort, *more):
    return ["selectivity", str(cohort / "units.parquet"), "--outcome", *OUTCOMES,
            "--signal", *UNITS, "--resamples", "1000", *map(str, more)]  # fmt: skip


@pytest.fixture(scope="module")
def run(cohort, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    main(
        options(cohort, "--test", "schedule", "--regions", cohort / "regions.csv", "--out", folder)
    )
    return folder


def test_the_folder_holds_what_units_respond_to(run, cohort):
    tested = pd.read_parquet(run / "selectivity.parquet")
    assert list(tested)[:3] == ["unit", "region", "contrast"]
    assert len(tested) == 18 * 3
    regions = pd.read_parquet(run / "regions.parquet").set_index(["contrast", "region"])
    for contrast, region, sign in (("controllable", "ACB", "positive"),
                                   ("distractor", "MOs", "negative")):  # fmt: skip
        assert regions.loc[(contrast, region), ["units", "selective", sign]].tolist() == [6] * 3
        assert regions.loc[(contrast, ""), "selective"] <= 1
    assert regions.loc[("controllable - distractor", "ACB"), "selective"] == 6
    pd.testing.assert_frame_equal(selectivity_by_region(tested), regions.reset_index(),
                                  check_like=True)  # fmt: skip
    config = SelectivityConfig(
        "schedule", TableFormat(outcome=OUTCOMES, signal=UNITS), regions=cohort / "regions.csv"
    )
    trials, schedule, known = read_units_table(cohort / "units.parquet", config)
    assert schedule is not None
    responses = pd.read_parquet(run / "responses.parquet")
    assert responses.equals(outcome_responses(trials, regions=known))
    assert len(responses) == 18 * 4
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["data"] == {
        "subjects": 1, "sessions": 6, "trials": 720, "trials_with_a_choice": 720,
        "outcomes": list(OUTCOMES), "units": 18,
    }  # fmt: skip
    assert metrics["regions"][0]["region"] == "ACB"
    assert metrics["regions"][0]["selective"] == 6
    assert metrics["warnings"][0] == "The region of 6 of 18 units is not known."
    assert metrics["test"]["family"] == "all units and contrasts"
    files = {path.name for path in (run / "figures").iterdir()}
    drawn = {name.partition(".")[0] for name in files}
    assert {"unit_effects", "outcome_responses", "selective_fraction"} <= drawn
    assert files == {f"{name}.{kind}" for name in drawn for kind in ("png", "pdf", "csv")}


def test_what_is_printed(run, capsys):
    main(["show", str(run)])
    said = " ".join(capsys.readouterr().out.split())
    assert "Responds to controllable" in said
    assert "Tells controllable from distractor" in said
    assert "│ ACB │ 6 │ 6 │ 100% (61%, 100%) │ 6 │ 0 │" in said
    assert "selective units, spikes/s" in said
    assert "Warning: The region of 6 of 18 units is not known." in said


def test_the_same_seed_gives_the_same_files(run, cohort, tmp_path):
    main(options(cohort, "--test", "schedule", "--regions", cohort / "regions.csv", "--out",
                 tmp_path / "again"))  # fmt: skip
    for name in ("selectivity.parquet", "metrics.json", "figures/unit_effects.png"):
        assert (run / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


@pytest.mark.parametrize("test", ["linear_shift", "session_permutation"])
def test_other_tests_and_one_outcome(test, cohort, tmp_path, capsys):
    table, out = cohort / "units.parquet", tmp_path / "run"
    main(["selectivity", str(table), "--outcome", "distractor", "--signal", "unit_6", "unit_17",
          "--test", test, "--max-shift", "49", "--resamples", "700",
          "--out", str(out)])  # fmt: skip
    said = capsys.readouterr().out
    assert "Is associated with distractor" in said
    words = " ".join(said.split())
    assert "finds units that are associated with an outcome, not that respond to it: " in words
    assert "The table has the probabilities of the rewards: --test schedule finds" in words
    assert "1 of 2" not in said
    found = pd.read_parquet(out / "selectivity.parquet").set_index("unit")
    assert found["selective"].to_dict() == {"unit_6": True, "unit_17": False}
    assert not (out / "figures" / "unit_effects.png").exists()


def test_relations_are_asked_given_choice_and_columns(cohort, tmp_path, capsys):
    """A unit that follows a column of the table, and so the reward; but not given the column."""
    frame = pd.read_parquet(cohort / "units.parquet")
    frame["value"] = frame["controllable"] + np.random.default_rng(0).normal(0, 0.2, len(frame))
    frame["unit_17"] = frame["value"] + np.random.default_rng(1).normal(0, 0.2, len(frame))
    write_table(frame, tmp_path / "value.parquet")
    options = ["selectivity", str(tmp_path / "value.parquet"), "--outcome", *OUTCOMES, "--signal",
               "unit_17", "--test", "linear_shift", "--max-shift", "25"]  # fmt: skip
    ps = []
    for name, more in (("plain", []), ("given", ["--given", "choice", "value"])):
        main([*options, *more, "--out", str(tmp_path / name)])
        found = pd.read_parquet(tmp_path / name / "selectivity.parquet").set_index("contrast")
        ps.append(found.loc["controllable", "p"])
    assert ps[0] < 0.04 < 0.1 < ps[1]
    said = " ".join(capsys.readouterr().out.split())
    assert "associated with an outcome given choice, value, not that respond to it" in said
    metrics = json.loads((tmp_path / "given" / "metrics.json").read_text())
    assert metrics["test"]["given"] == ["choice", "value"]
    assert metrics["test"]["finds"] == "association"
    with pytest.raises(ConfigError, match="given is not for the schedule test: redrawn rewards"):
        SelectivityConfig("schedule", TableFormat(outcome=OUTCOMES), given=("value",))


def test_warnings_say_what_numbers_cannot(cohort, tmp_path, capsys):
    frame = pd.read_parquet(cohort / "units.parquet")
    frame["subject"] = np.where(frame["session"].astype(str).isin(["0", "1"]), "one", "two")
    frame.loc[30:, "unit_3"] = np.nan
    write_table(frame, tmp_path / "two.parquet")
    main(["selectivity", str(tmp_path / "two.parquet"), "--outcome", *OUTCOMES, "--signal", *UNITS,
          "--test", "schedule", "--resamples", "99", "--out", str(tmp_path / "run")])  # fmt: skip
    said = " ".join(capsys.readouterr().out.split())
    assert "1 unit measured in fewer than 40 trials is left out (--min-trials): unit_3." in said
    assert "Measured in several subjects: 17 signals (such as unit_0)" in said
    assert (
        "No p-value can be below 0.02 here, so of 51 tests (units and contrasts) 21 must reach it "
        "before any unit can be selective. Raise --resamples."
    ) in said


def test_converted_recordings_know_their_units_and_regions(make_nwb, tmp_path):
    rng = np.random.default_rng(0)
    columns = {"choice": rng.integers(0, 2, 60), "reward": rng.integers(0, 2, 60)}
    columns["outcome"] = 10 + 5.0 * np.arange(60)
    units = [(np.sort(rng.uniform(0, 330, 900)), region) for region in ("M2", "NAc", "M2")]
    files = [make_nwb(tmp_path / f"{s}.nwb", columns, (), units, session=s) for s in ("a", "b")]
    nwb = SourceFormat(choice="choice", outcome=("reward",), context=("outcome",))
    converted = convert_files(files, ConvertConfig(nwb, spikes=SpikesConfig("outcome")))
    table = tmp_path / "rates.parquet"
    write_converted(converted, table)
    found = run_selectivity(
        table, SelectivityConfig("linear_shift", max_shift=20), tmp_path / "run"
    )
    assert found.trials.names.signals == converted.trials.names.signals
    regions = found.selectivity.set_index("unit")["region"].to_dict()
    assert regions["rat 7/b/unit_1"] == "NAc"
    assert found.regions["units"].tolist() == [4, 2]
    n = int(found.selectivity["selective"].sum())
    assert repr(found).splitlines()[0] == "Selectivity of 6 units"
    assert repr(found).splitlines()[2].split() == ["reward", str(n), "of", "6"]
    record_path(table).write_text("{}")
    with pytest.raises(DataError, match=r"rates\.convert\.json is not a record of accumbens conv"):
        read_units_table(table, SelectivityConfig("linear_shift"))


def test_the_table_is_read_once(cohort, monkeypatch):
    opened = []

    def counted(path, *more):
        opened.append(str(path))
        return open_table(path, *more)

    monkeypatch.setattr(accumbens.io.tables.files, "open_table", counted)
    monkeypatch.setattr(accumbens.io.tables.trials, "open_table", counted)
    config = SelectivityConfig("schedule", TableFormat(outcome=OUTCOMES, signal=UNITS))
    _, schedule, _ = read_units_table(cohort / "units.parquet", config)
    assert schedule is not None
    assert opened == [str(cohort / "units.parquet")]


def refused(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    return " ".join(capsys.readouterr().err.split())


def test_bad_input_is_one_clear_error(run, cohort, tmp_path, capsys):
    out = ("--out", tmp_path / "new")
    shift = ("--test", "linear_shift", *out)
    table = str(cohort / "units.parquet")
    assert "already holds a run" in refused(
        capsys, options(cohort, "--test", "schedule", "--out", run)
    )
    assert "It is not known which columns are units: the record" in refused(
        capsys, ["selectivity", table, "--outcome", *OUTCOMES, *map(str, shift)]
    )
    lacking = ["selectivity", str(tmp_path / "lacking.csv"), *map(str, shift)]
    assert "lacking.csv: there is no such file" in refused(capsys, lacking)
    folder = ["selectivity", ".", *map(str, shift)]
    assert "Cannot read .: it is a folder" in refused(capsys, folder)
    assert "Unit unit_0, controllable: The series have 120 and 120 trials and cannot" in refused(
        capsys, options(cohort, *shift)
    )
    assert "probabilities are for the schedule test, not for linear_shift" in refused(
        capsys, options(cohort, *shift, "--probabilities", "0.5", "0.5", "0.5")
    )
    bare = pd.read_parquet(table)[["subject", "session", "trial", "choice", *OUTCOMES, "unit_0"]]
    write_table(bare, tmp_path / "bare.parquet")
    given = ["selectivity", str(tmp_path / "bare.parquet"), "--outcome", *OUTCOMES, "--signal",
             "unit_0", "--test", "schedule", *map(str, out)]  # fmt: skip
    assert "needs the probabilities of the rewards: name 3 columns or numbers" in refused(
        capsys, given
    )
    assert (
        "No unit was measured in 9999 trials with a choice; the largest number is 720."
        in refused(capsys, options(cohort, *shift, "--min-trials", "9999"))
    )
    for text, message in (
        ("unit,area\nunit_0,ACB\n", "there is no column region; the columns are unit, area"),
        ("unit,region\nunit_0,ACB\nunit_0,MOs\n", "unit_0 is in ACB and in MOs. Keep one row."),
        (
            "unit,region\n0,ACB\n",
            "the table of regions has none of the units. It names 0, but the signal columns are",
        ),
    ):
        (tmp_path / "regions.csv").write_text(text)
        assert message in refused(
            capsys, options(cohort, *shift, "--regions", tmp_path / "regions.csv")
        )
    assert not (tmp_path / "new").exists()
    (run / "metrics.json").rename(run / "metrics.off")
    assert "is not finished. Delete it and run it again." in refused(capsys, ["show", str(run)])
    (run / "metrics.off").rename(run / "metrics.json")


def test_options_that_cannot_be():
    with pytest.raises(ConfigError, match="resamples is 0; it must be at least 1"):
        SelectivityConfig("schedule", resamples=0)
    with pytest.raises(ConfigError, match=r"false_discovery_rate is 1\.5; it must lie between"):
        SelectivityConfig("schedule", false_discovery_rate=1.5)
    with pytest.raises(
        ConfigError, match=r"probabilities has 3 entries\. For 2 choices and 1 outcome give 2"
    ):
        SelectivityConfig("schedule", probabilities=("a", "b", "c"))
    with pytest.raises(ConfigError, match=r"There are no outcomes\. Name those that units may"):
        SelectivityConfig("schedule", TableFormat(outcome=()))


def test_a_unit_of_one_session_stops_no_other(cohort, tmp_path, capsys):
    """It has no p-value, its region none tested, the others the numbers that they have alone; a
    table of nothing else is refused."""
    table = pd.read_parquet(cohort / "units.parquet")
    table.loc[table["session"] != table["session"].iloc[0], "unit_17"] = np.nan
    write_table(table, tmp_path / "t.parquet")
    regions = pd.DataFrame({"unit": ["unit_0", "unit_17"], "region": ["ACB", "MOs"]})
    regions.to_csv(tmp_path / "regions.csv")
    command = ["selectivity", str(tmp_path / "t.parquet"), "--outcome", *OUTCOMES, "--test",
               "session_permutation", "--resamples", "99", "--signal"]  # fmt: skip
    main([*command, "unit_0", "unit_17", "--regions", str(tmp_path / "regions.csv"), "--out",
          str(tmp_path / "both")])  # fmt: skip
    said = " ".join(capsys.readouterr().out.split())
    assert "1 unit could not be tested for everything and has no p-value there (unit_17)" in said
    assert (
        "needs at least 3 sessions, but there are 1. Use more sessions, or a linear shift" in said
    )
    main([*command, "unit_0", "--out", str(tmp_path / "one")])
    both, one = (pd.read_parquet(tmp_path / n / "selectivity.parquet") for n in ("both", "one"))
    np.testing.assert_array_equal(both.loc[both["unit"] == "unit_0", "p"], one["p"])
    left = both[both["unit"] == "unit_17"]
    assert left[["p", "q"]].isna().all(axis=None)
    assert not left["selective"].any()
    assert left["untested"].str.startswith("Unit unit_17, ").all()
    of = pd.read_parquet(tmp_path / "both" / "regions.parquet").set_index("region")
    assert set(of.loc["MOs", "units"]) == {0}
    assert set(of.loc["ACB", "units"]) == {1}
    main(["show", str(tmp_path / "both")])
    with pytest.raises(SystemExit):
        main([*command, "unit_17", "--out", str(tmp_path / "none")])
    assert "No unit can be tested. Unit unit_17, controllable" in capsys.readouterr().err
