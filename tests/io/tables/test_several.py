"""Several tables, folders of tables, and names of files that say subject and session."""

import numpy as np
import pandas as pd
import pytest

from accumbens.cli import main
from accumbens.errors import ConfigError, DataError
from accumbens.io.format import SourceFormat
from accumbens.io.tables.files import read_table, write_table
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.several import fields_of_name, joined_tables, table_files
from accumbens.io.tables.trials import from_table
from accumbens.io.trial_sources import read_sources
from accumbens.run.fit.folder import load_run


def rows(seed, n=12, **columns):
    rng = np.random.default_rng(seed)
    choice = rng.choice(["L", "R"], n)
    return pd.DataFrame(columns | {"choice": choice, "reward": rng.integers(0, 2, n)})


@pytest.fixture
def folder(tmp_path):
    """Two animals with two sessions each; neither is a column."""
    place = tmp_path / "mice"
    for i, name in enumerate(["m2_day1.csv", "m1_day2.csv", "m1_day1.tsv", "m2_day2.CSV"]):
        (place / name).parent.mkdir(exist_ok=True)
        sep = "\t" if name.endswith("tsv") else ","
        rows(i).to_csv(place / name, index=False, sep=sep)
    (place / "notes.md").write_text("no table")
    (place / ".hidden.csv").write_text("no table")
    return place


@pytest.mark.parametrize(
    ("name", "template", "said"),
    [
        ("m1_day2.csv", "{subject}_{session}", {"subject": "m1", "session": "day2"}),
        ("m1_day_2.csv.gz", "{subject}_{session}", {"subject": "m1", "session": "day_2"}),
        ("2024-01-02 m[1].xlsx", "{session} {subject}", {"session": "2024-01-02",
                                                         "subject": "m[1]"}),
        ("rat7.parquet", "rat{subject}", {"subject": "7"}),
        ("a.b_1_drug.csv", "{subject}_{session}_{drug}", {"subject": "a.b", "session": "1",
                                                          "drug": "drug"}),
    ],
)  # fmt: skip
def test_what_the_name_of_a_file_says(name, template, said, tmp_path):
    assert fields_of_name(tmp_path / name, template) == said


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("subject", "write what the files are called with columns in braces"),
        ("{}_{session}", "with columns in braces"),
        ("{subject}{subject}", "each once"),
        ("{subject}-{session}", r"m1_day2\.csv is not called as --name says"),
    ],
)
def test_a_name_that_does_not_fit(template, problem, tmp_path):
    with pytest.raises(ConfigError, match=problem):
        fields_of_name(tmp_path / "m1_day2.csv", template)


def test_tables_of_a_folder_are_joined_by_their_names(folder, tmp_path):
    files = table_files([folder])
    names = ["m1_day1.tsv", "m1_day2.csv", "m2_day1.csv", "m2_day2.CSV"]
    assert [f.name for f in files] == names
    whole = joined_tables(files, TableFormat(), "{subject}_{session}")
    write_table(whole, tmp_path / "t.csv")
    trials = from_table(tmp_path / "t.csv")
    assert trials.session_labels == ("m1/day1", "m1/day2", "m2/day1", "m2/day2")
    assert trials.names.choices == ("L", "R")
    own = read_table(folder / "m2_day1.csv")
    assert trials.outcome[2, :, 0].tolist() == own["reward"].tolist()
    assert whole["file"].unique().tolist() == [str(f) for f in files]
    with pytest.raises(DataError, match=r"no table: no name in it ends in \.csv"):
        table_files([tmp_path / "mice", (tmp_path / "empty").mkdir() or tmp_path / "empty"])


def test_tables_that_do_not_go_together_are_refused(tmp_path):
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]

    def write(first, second):
        for path, frame in zip(paths, (first, second), strict=True):
            frame.to_csv(path, index=False)
        return lambda template=None: joined_tables(paths, TableFormat(), template)

    with pytest.raises(DataError, match=r"a\.csv has no column \"session\".*--name '\{subject\}_"):
        write(rows(0), rows(1))()
    same = write(rows(0, session=" d1", subject="m"), rows(1, session="d1", subject="m"))
    with pytest.raises(DataError, match=r'a\.csv and .*b\.csv both have session "m/d1"'):
        same()
    with pytest.raises(ConfigError, match=r'has a column "session", and --name gives one too'):
        same("{session}")
    other = rows(1, session="d2").rename(columns={"reward": "rewards"})
    with pytest.raises(DataError, match=r'b\.csv has no column "reward".* Did you mean "rewards"'):
        write(rows(0, session="d1"), other)()


def test_a_column_of_numbers_and_text_is_text(tmp_path):
    for name, note in (("a", 1), ("b", "x")):
        rows(0, session=name, note=note).to_csv(tmp_path / f"{name}.csv", index=False)
    whole = joined_tables(table_files([tmp_path]), TableFormat(subject=None))
    write_table(whole, tmp_path / "t.parquet")
    assert set(read_table(tmp_path / "t.parquet")["note"]) == {"1", "x"}


def test_conversion_takes_names_and_folders(folder):
    found = read_sources([folder], SourceFormat(name="{subject}_{session}"))
    assert found.trials.session_labels == ("m1/day1", "m1/day2", "m2/day1", "m2/day2")
    with pytest.raises(ConfigError, match=r"--name has \{drug\}; it may have"):
        read_sources([folder], SourceFormat(name="{subject}_{drug}"))
    with pytest.raises(ConfigError, match="--name is for tables"):
        SourceFormat(name="{subject}").of_nwb()


def test_a_run_on_several_tables_keeps_the_joined_one(folder, tmp_path, capsys):
    command = ["fit", str(folder), "--name", "{subject}_{session}", "--models", "naive"]
    main([*command, "--resamples", "20", "--out", str(tmp_path / "run")])
    run = load_run(tmp_path / "run")
    assert run.about["table"] == str(tmp_path / "run" / "trials.csv")
    assert run.metrics["data"]["subjects"] == 2
    assert set(run.predictions()["session"]) == {"day1", "day2"}
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main([*command, "--out", str(tmp_path / "run")])
    assert "already holds a finished run" in capsys.readouterr().err
