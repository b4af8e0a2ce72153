"""`accumbens credit --flavour`: a column, the balanced test everywhere it is told, and mistakes."""

import json

import jax
import pandas as pd
import pytest

from accumbens.cli import main
from accumbens.cohort import simulate_cohort
from accumbens.credit.flavour import balanced_over_flavours
from accumbens.errors import DataError
from accumbens.io.tables.trials import to_table, write_table
from accumbens.models.structured import StructureMixture
from accumbens.run.credit.analysis import run_credit
from accumbens.run.credit.config import CreditConfig
from accumbens.tasks.distractor import DistractorRewards

KINDS = {"mouse_01": "cherry", "mouse_02": "grape", "mouse_03": "cherry", "mouse_04": "grape"}
CONFIG = CreditConfig(
    "controllable", "distractor", flavour="flavour", lags=1, resamples=19, bootstrap=5
)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    agents = [StructureMixture(0.4, 3.0, weight) for weight in (0.2, 0.4, 0.6, 0.8)]
    trials = simulate_cohort(
        agents, DistractorRewards(), n_sessions=2, n_trials=60, key=jax.random.key(0)
    )
    frame = to_table(trials)
    return frame.assign(flavour=frame["subject"].map(KINDS))


def run_of(frame, tmp_path, config=CONFIG):
    write_table(frame, tmp_path / "trials.csv")
    return run_credit(tmp_path / "trials.csv", config, tmp_path / "run")


def test_flavours_are_balanced_and_told(frame, tmp_path, capsys):
    found = run_of(frame, tmp_path)
    structure = found.tests[1]
    expected, _ = balanced_over_flavours(structure, KINDS)
    assert expected is not None
    assert found.balanced == (expected,)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    told = metrics["tests"][structure.name]["flavours_balanced"]
    assert told["p_greater"] == expected.p_greater
    assert metrics["tests"][found.tests[0].name]["flavours_balanced"] is None
    methods = (tmp_path / "run" / "methods.md").read_text()
    assert "animals with cherry (2) and with grape (2) as the controllable reward" in methods
    assert "Welch, B. L. (1947)" in methods
    main(["show", str(tmp_path / "run")])
    assert expected.in_words in " ".join(capsys.readouterr().out.split())
    command = ["credit", str(tmp_path / "trials.csv"), "--controllable", "controllable"]
    command += ["--distractor", "distractor", "--flavour", "flavour", "--lags", "1"]
    main([*command, "--resamples", "19", "--bootstrap", "5", "--out", str(tmp_path / "again")])
    assert expected.in_words in " ".join(capsys.readouterr().out.split())


def test_one_flavour_in_all_animals_is_a_warning(frame, tmp_path):
    found = run_of(frame.assign(flavour="grape"), tmp_path)
    assert found.balanced == ()
    assert any("grape in all animals, so structure cannot be told" in w for w in found.warnings)


def test_without_probabilities_nothing_is_balanced_and_a_warning_says_so(frame, tmp_path):
    found = run_of(frame.drop(columns=[c for c in frame if "probability" in c]), tmp_path)
    assert any("no test in which they can be balanced" in w for w in found.warnings)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="flavour"), r"there is no such column; .*--flavour"),
        (
            lambda f: f.assign(flavour=f["flavour"].where(f["subject"] != "mouse_03")),
            "The column 'flavour' is blank for mouse_03. Fill in the flavour",
        ),
        (
            lambda f: f.assign(flavour=f["session"].astype(str)),
            "gives mouse_01 two controllable flavours, 0 and 1 .in session mouse_01/1",
        ),
        (
            lambda f: f.assign(flavour=["a", "b"] * (len(f) // 2)),
            "changes within .*--flavour speaks of whole sessions",
        ),
        (lambda f: f.assign(flavour=f["subject"]), "There are 4 controllable flavours"),
    ],
)
def test_columns_that_say_nothing_are_refused(change, message, frame, tmp_path):
    with pytest.raises(DataError, match=rf"(?s){message}"):
        run_of(change(frame), tmp_path)
