"""The list of kinds of result: each is recognised, loaded and shown; a new kind is an entry."""

import json
import sys
import types

import pandas as pd
import pytest

from accumbens.cli import main
from accumbens.errors import DataError
from accumbens.lazy import at_place
from accumbens.run import kinds
from accumbens.run.credit.config import CreditConfig
from accumbens.run.fit.config import FitConfig
from accumbens.run.fit.folder import load_run
from accumbens.run.kinds import KINDS, RunKind, kind_of, load_result
from accumbens.run.sweep.axes import read_axes
from accumbens.run.sweep.plan import write_plan
from accumbens.run.sweep.sweeping import planned
from helpers.planted_networks import planted, value_of
from helpers.planted_runs import planted_run


def words_of(capsys):
    return " ".join(capsys.readouterr().out.split())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small result of each kind, made by its command: where each is, by its kind's name."""
    folder = tmp_path_factory.mktemp("results")
    table, units = folder / "cohort.csv", folder / "units.csv"
    main(["simulate", str(table), "--task", "distractor", "--agent", "structure_mixture",
          "--subjects", "2", "--sessions", "6", "--trials", "60"])  # fmt: skip
    pd.read_csv(table).rename(columns={"controllable": "reward"}).to_csv(units, index=False)
    places = {kind.name: folder / kind.name for kind in KINDS}
    places["convert"] = folder / "again.convert.json"
    columns = ["--controllable", "controllable", "--distractor", "distractor"]
    main(["credit", str(table), *columns, "--lags", "2", "--resamples", "19", "--bootstrap", "9",
          "--out", str(places["credit"])])  # fmt: skip
    main(["fit", str(units), "--models", "bias", "naive", "--resamples", "9", "--out",
          str(places["fit"])])  # fmt: skip
    main(["predict", str(places["fit"]), str(units), "--out", str(places["predict"])])
    main(["selectivity", str(units), "--outcome", "reward", "--signal", "dopamine", "--test",
          "linear_shift", "--max-shift", "9", "--out", str(places["selectivity"])])  # fmt: skip
    main(["power", "--mice", "2", "--sessions", "1", "--trials", "50", "--experiments", "2",
          "--resamples", "19", "--lags", "2", "--wanted", "0.7",
          "--out", str(places["power"])])  # fmt: skip
    main(["convert", str(units), "--out", str(folder / "again.csv")])
    places["sweep"].mkdir()
    write_plan(places["sweep"], planned(units, FitConfig(models=("naive",)), read_axes(["seed=0"])))
    network = planted([value_of(0), value_of(1)])
    planted_run(places["fit"], folder / "network", network)
    main(["card", str(folder / "network"), "--agents", "bias", "--no-equations", "--no-figures",
          "--resamples", "9", "--out", str(places["card"])])  # fmt: skip
    return places


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_is_recognised_loaded_and_shown(kind, made, capsys):
    assert kind_of(made[kind.name]) is kind
    result = load_result(made[kind.name])
    if kind.config is not None:
        assert type(result.config) is kind.config_class
    main(["show", str(made[kind.name])])
    said = words_of(capsys)
    expected = {
        "fit": "bias only", "predict": "Scored sessions", "credit": "Indices: sums over lags",
        "selectivity": "associated with", "power": "Power: ", "convert": "units.csv",
        "sweep": "1 cell, 1 not begun", "card": "What the data cannot tell",
    }  # fmt: skip
    assert expected[kind.name] in said
    assert str(made[kind.name]) in said.replace("\n", "")


def test_commands_and_entries_are_each_others():
    from accumbens.cli.commands import COMMANDS

    commands = {f"accumbens {entry.name}" for entry in COMMANDS}
    assert {kind.command for kind in KINDS} <= commands
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        for place, package in ((kind.load, "accumbens.run"), (kind.show, "accumbens.cli")):
            assert at_place(place, package).__doc__


def test_tables_and_options_of_an_analysis_come_back(made):
    found = load_result(made["credit"])
    assert found.kind == "credit"
    assert found.config == CreditConfig(
        "controllable", "distractor", lags=2, resamples=19, bootstrap=9
    )
    assert set(found.tables) == {"answers", "indices", "null", "weights"}
    assert len(found.table("null")) == 2 * 19 * 2
    assert found.metrics["data"]["subjects"] == 2
    with pytest.raises(
        DataError, match=r"has no table 'p'; it has answers, indices, null, weights\."
    ):
        found.table("p")


def test_an_analysis_shows_what_was_analysed(made):
    shown = repr(load_result(made["credit"]))
    assert shown.startswith(f"Analysis {made['credit']}: credit, ")
    facts = dict(line.strip().split(None, 1) for line in shown.splitlines()[1:4])
    assert facts["table"].endswith("cohort.csv")
    assert (facts["subjects"], facts["sessions"]) == ("2", "6")
    assert "tables         answers, indices, null, weights" in shown
    assert all(note in shown for note in load_result(made["credit"]).metrics["warnings"])
    assert f"{made['selectivity']}: selectivity, " in repr(load_result(made["selectivity"]))


def test_power_is_shown_with_the_power_that_was_wanted(made, capsys):
    main(["show", str(made["power"])])
    shown = words_of(capsys)
    assert "Power: distractor" in shown
    assert set(load_result(made["power"])["wanted"]) == {0.7}


def test_no_result_says_where_there_is_one(made, tmp_path):
    message = r"is not a run folder: it has no config\.toml\..* accumbens card wrote\.$"
    with pytest.raises(DataError, match=message):
        kind_of(tmp_path)
    with pytest.raises(DataError, match=r"There is one in .*card\.$"):
        kind_of(made["credit"].parent)
    (tmp_path / "a.csv").write_text("a\n")
    with pytest.raises(DataError, match=r"a\.csv is a file, and no result of accumbens\. Name a r"):
        kind_of(tmp_path / "a.csv")


def test_what_is_damaged_or_unfinished_or_of_later_versions_says_so(made, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text('[about]\nkind = "dream"\n')
    unknown = r"of the kind 'dream', which this version does not know; it knows fit, predict, cre"
    with pytest.raises(DataError, match=unknown):
        kind_of(tmp_path)
    config.write_text("about = [")
    with pytest.raises(
        DataError, match=r"config\.toml cannot be read \(.*\)\. Run the analysis again\."
    ):
        kind_of(tmp_path)
    config.write_text((made["credit"] / "config.toml").read_text())
    with pytest.raises(DataError, match=r"The run in .* is not finished\. Delete it and run it ag"):
        load_result(tmp_path)
    for text in ("{", "[]"):
        (tmp_path / "metrics.json").write_text(text)
        with pytest.raises(DataError, match=r"metrics\.json is damaged.* Run it again\."):
            load_result(tmp_path)
    (tmp_path / "b.convert.json").write_text(json.dumps({"sessions": []}))
    with pytest.raises(DataError, match=r"is not a record of accumbens convert: it has no columns"):
        load_result(tmp_path / "b.convert.json")


def test_an_analysis_is_no_fit(made):
    message = r"holds a result of the kind credit, and no fit\..*accumbens show .* prints this one"
    with pytest.raises(DataError, match=message):
        load_run(made["credit"])


def test_a_new_kind_is_an_entry(monkeypatch, tmp_path, capsys):
    (tmp_path / "config.toml").write_text('[about]\nkind = "dream"\n')
    module = types.ModuleType("accumbens.run.dream")
    module.load = lambda path: f"dreamt in {path.name}"
    module.show = lambda out, path: out.say(module.load(path))
    for package in ("run", "cli"):
        monkeypatch.setitem(sys.modules, f"accumbens.{package}.dream", module)
    entry = RunKind("dream", "accumbens dream", "nights", "dream:load", "dream:show")
    monkeypatch.setattr(kinds, "KINDS", (*KINDS, entry))
    assert load_result(tmp_path) == f"dreamt in {tmp_path.name}"
    main(["show", str(tmp_path)])
    assert capsys.readouterr().out == f"dreamt in {tmp_path.name}\n"
    main(["show", "--help"])
    assert "; nights of dream." in words_of(capsys)
