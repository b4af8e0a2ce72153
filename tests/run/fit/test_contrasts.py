"""A run with a contrast: found from the table, in metrics, a table, a figure, and printed."""

import json

import numpy as np
import pandas as pd
import pytest

from accumbens.cli.output import Output
from accumbens.cli.printing import print_run
from accumbens.errors import ConfigError, DataError
from accumbens.io.tables.format import TableFormat
from accumbens.run.fit.config import FitConfig
from accumbens.run.fit.folder import load_run
from accumbens.run.fit.pipeline import run_fit


def frame(n=4):
    """Mice that choose the right more often under the drug."""
    rng, rows = np.random.default_rng(0), []
    for mouse in range(n):
        for day in range(4):
            drug = (day + mouse) % 2
            p = 0.4 + 0.05 * mouse + 0.3 * drug
            rows.append(pd.DataFrame({
                "subject": f"m{mouse}", "session": f"d{day}", "trial": np.arange(60),
                "choice": (rng.random(60) < p).astype(int), "reward": rng.integers(0, 2, 60),
                "drug": ["saline", "dcz"][drug], "dopamine": rng.standard_normal(60),
                "dose": rng.random(),
            }))  # fmt: skip
    return pd.concat(rows, ignore_index=True)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("contrasts") / "trials.csv"
    frame().to_csv(path, index=False)
    return path


def config(models=("bias", "naive"), **options):
    return FitConfig(
        table=TableFormat(signal=("dopamine",)), models=models, resamples=20, animals="pooled",
        **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    return run_fit(table, config(contrast="drug"), folder)


def test_the_record_says_what_the_table_shows(run, table):
    found = run.metrics["contrast"]
    assert found["design"] == "within animals"
    assert found["levels"] == ["saline", "dcz"]
    assert found["counts"]["dcz"] == {"animals": 4, "sessions": 8, "choices": 480}
    assert list(found["models"]) == ["bias"], "the naive baseline has no parameters to compare"
    (name,) = found["models"]["bias"]["parameters"]
    estimate = found["models"]["bias"]["parameters"][name]
    shares = pd.read_csv(table).groupby(["drug", "subject"])["choice"].mean().unstack()
    logit = np.log(shares / (1 - shares))
    expected = (logit.loc["dcz"] - logit.loc["saline"]).mean()
    assert abs(estimate["shift"]) == pytest.approx(expected, abs=0.1)
    assert estimate["shift_low"] * estimate["shift_high"] > 0
    test = found["models"]["bias"]["animals"]
    assert test["p"][name] == test["smallest_p"] == 2 / 16
    json.dumps(found, allow_nan=False)


def test_a_table_and_a_figure_hold_it(run):
    rows = pd.read_csv(run.folder.path / "contrast.csv")
    assert len(rows) == 1
    row = rows.iloc[0]
    assert (row["model"], row["design"]) == ("bias", "within animals")
    assert (row["reference_level"], row["other_level"]) == ("saline", "dcz")
    assert (row["animals_reference"], row["sessions_other"]) == (4, 8)
    assert row["p_animals"] == 2 / 16
    assert row["smallest_p_sessions"] == 2 / 6**4
    assert (run.folder.figures / "contrast.png").is_file()
    drawn = pd.read_csv(run.folder.figures / "contrast.csv")
    assert drawn["subject"].tolist() == ["m0", "m1", "m2", "m3"]


def test_it_is_printed_with_the_number_of_animals(run, capsys):
    print_run(Output(), load_run(run.folder.path))
    text = " ".join(capsys.readouterr().out.split())
    assert "Contrast of drug: dcz less saline, within 4 animals (8 sessions of saline" in text
    assert "4 animals are too few for the exact test over animals" in text
    assert "smallest p possible 0.12" in text
    assert "p over sessions: exact" in text


def test_nothing_is_begun_where_there_is_nothing_to_compare(table, tmp_path):
    for options, error, message in (
        ({"contrast": "dose"}, DataError, "dose has 16 levels"),
        ({"contrast": "drugs"}, DataError, 'did you mean "drug"'),
        ({"contrast": "drug", "models": ("naive",)}, ConfigError, "models has none that these"),
        ({"contrast": "drug", "contrast_levels": ("dcz",)}, ConfigError, "compares two levels"),
    ):
        with pytest.raises(error, match=message):
            run_fit(table, config(**options), tmp_path / "run")
        assert not (tmp_path / "run").exists()
    with pytest.raises(ConfigError, match="contrast_levels names levels of no column"):
        config(contrast_levels=("saline", "dcz"))
