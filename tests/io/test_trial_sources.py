"""Trials of tables and of NWB files through one step, and what contradicts."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from accumbens.errors import ConfigError, DataError
from accumbens.io.format import SourceFormat
from accumbens.io.tables.trials import from_table, to_table
from accumbens.io.trial_sources import read_sources

ROWS = {"choice": ["L", "R", "", "L"], "reward": [1, 0, "", 1], "cue": [1.0, 4.0, 9.0, 12.0]}


@pytest.fixture
def table(tmp_path):
    """Writes a table of four trials of one session, with or without its name."""

    def write(name, **columns):
        pd.DataFrame(columns | ROWS).to_csv(tmp_path / name, index=False, sep="\t,"[".csv" in name])
        return tmp_path / name

    return write


def test_a_table_is_read_as_fit_reads_it(table):
    path = table("a.csv", subject="M", session="d1")
    found = read_sources([path], SourceFormat(context=("cue",)))
    plain = from_table(path, SourceFormat(context=("cue",)).of_table())
    assert found.trials.names == plain.names
    np.testing.assert_array_equal(found.trials.choice, [[0, 1, -1, 0]])
    assert (found.files, found.recorded) == ((path,), False)


def test_several_tables_are_joined_in_their_order(table):
    paths = [table("b.tsv", subject="M", session="d2"), table("a.csv", subject="M", session="d1")]
    found = read_sources(paths)
    assert found.trials.session_labels == ("M/d2", "M/d1")
    assert found.trials.names.subjects == ("M",)
    assert found.files == tuple(paths)
    twice = to_table(found.trials)
    assert twice["session"].tolist() == ["d2"] * 4 + ["d1"] * 4


def test_sessions_without_a_column_are_named_after_their_files(table):
    paths = [table("day.1.csv"), table("day.2.tsv")]
    format = SourceFormat(session=None, subject_id="rat 7")
    assert read_sources(paths, format).trials.session_labels == ("rat 7/day.1", "rat 7/day.2")
    one = dataclasses.replace(format, session_id="first")
    assert read_sources(paths[:1], one).trials.session_labels == ("rat 7/first",)
    with pytest.raises(ConfigError, match="--session-id names the session of a single file"):
        read_sources(paths, one)


def test_a_named_subject_overrides_the_column(table):
    path = table("a.csv", subject="M", session="d1")
    assert read_sources([path], SourceFormat(subject_id="N")).trials.session_labels == ("N/d1",)


def test_nwb_goes_the_same_way(make_nwb, tmp_path):
    columns = {"choice": np.array([0, 1, 0]), "reward": np.array([1, 0, 0])}
    path = make_nwb(tmp_path / "a.nwb", columns)
    format = SourceFormat(choice="choice", outcome=("reward",), session_id="x")
    found = read_sources([path], format)
    assert found.trials.session_labels == ("rat 7/x",)
    assert (found.files, found.recorded) == ((path,), True)
    with pytest.raises(ConfigError, match="--subject names a column of a table; an NWB file's sub"):
        read_sources([path], dataclasses.replace(format, subject="mouse"))
    with pytest.raises(ConfigError, match=r"--trial names a column of a table\. Leave it out"):
        read_sources([path], dataclasses.replace(format, trial=None))


def test_files_that_do_not_go_together(table, make_nwb, tmp_path):
    paths = [table("a.csv", subject="M", session="d1"), table("b.csv", subject="M", session="d1")]
    with pytest.raises(DataError, match=r'a\.csv and .*b\.csv both have session "d1" of subject'):
        read_sources(paths)
    with pytest.raises(ConfigError, match=r"There is no file to read\. Name at least one NWB file"):
        read_sources([])
    other = tmp_path / "c.csv"
    frame = pd.read_csv(paths[0]).assign(session="d2")
    frame.assign(choice=frame["choice"].map({"L": "left", "R": "right"})).to_csv(other, index=False)
    with pytest.raises(DataError, match=r"a\.csv and .*c\.csv have different codes of choices"):
        read_sources([paths[0], other])
    nwb = make_nwb(tmp_path / "a.nwb", {"choice": np.array([0, 1]), "reward": np.array([1, 0])})
    with pytest.raises(ConfigError, match=r"NWB files and tables cannot be mixed, .* separately"):
        read_sources([nwb, paths[0]])


def test_files_that_hold_no_trials(tmp_path):
    (tmp_path / "a.ppd").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"a pyPhotometry recording .*--photometry\.file"):
        read_sources([tmp_path / "a.ppd"])
    np.savez(tmp_path / "a.npz", spike_times=np.zeros(1))
    with pytest.raises(ConfigError, match=r"arrays of spikes .*--spikes\.file"):
        read_sources([tmp_path / "a.npz"])


def test_options_of_nwb_files_are_refused_for_tables(table):
    path = table("a.csv", subject="M", session="d1")
    for option, text in (
        ({"preset": "dynamic_foraging"}, "--preset is for NWB files; a table does not need it."),
        ({"optional_context": ("x",)}, "--optional-context is for NWB files"),
        ({"table": "pulses"}, "--table is for NWB files"),
        ({"outcome": ("r=a|b",)}, "--outcome is 'r=a|b', but for a table it must be a single"),
    ):
        with pytest.raises(ConfigError) as caught:
            read_sources([path], SourceFormat(**option))
        assert text in str(caught.value)


def test_a_table_without_choices_says_so(tmp_path):
    pd.DataFrame({"subject": ["M"], "session": [1], "dopamine": [0.2]}).to_csv(
        tmp_path / "a.csv", index=False
    )
    with pytest.raises(DataError, match='column "choice": there is no such column; name the colu'):
        read_sources([tmp_path / "a.csv"])
