"""Trial tables with recordings in files of their own: sessions and recordings matched in order."""

import numpy as np
import pandas as pd
import pytest

from accumbens.errors import ConfigError, DataError
from accumbens.io.format import SourceFormat
from accumbens.neural.events.config import WindowConfig
from accumbens.neural.photometry.config import PreprocessConfig
from accumbens.run.convert.config import ConvertConfig, PhotometryConfig, SpikesConfig
from accumbens.run.convert.conversion import convert_files

FORMAT = SourceFormat(context=("cue_ms",))
RAW = PreprocessConfig(bleaching="none", regression="none", scale="raw")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Two sessions of 30 trials in one table, times in ms; of each, a trace that is s + 1 for 1 s
    after each cue, and a Phy folder whose unit fires 2 (s + 1) times in that second."""
    folder, rng = tmp_path_factory.mktemp("lab"), np.random.default_rng(0)
    tables, traces, sorted_ = [], [], []
    for s, name in enumerate(("d1", "d2")):
        cues = 10 + 5.0 * np.arange(30)
        times = np.arange(0, 170, 0.05)
        near = (np.subtract.outer(times, cues) >= 0) & (np.subtract.outer(times, cues) < 1)
        trace = pd.DataFrame({"time": times, "green": (s + 1.0) * near.any(axis=1)})
        trace.to_csv(folder / f"{name}.green.csv", index=False)
        traces.append(folder / f"{name}.green.csv")
        phy = folder / name
        phy.mkdir()
        spikes = np.sort(np.concatenate([cues + i / (2 * s + 2) for i in range(2 * s + 2)]))
        spikes = np.concatenate([[0.0], spikes, [169.0]])
        np.save(phy / "spike_times.npy", np.round(spikes * 30000).astype(np.int64))
        np.save(phy / "spike_clusters.npy", np.full(len(spikes), 7))
        (phy / "params.py").write_text("sample_rate = 30000.")
        (phy / "cluster_KSLabel.tsv").write_text("cluster_id\tKSLabel\n7\tgood\n")
        sorted_.append(phy)
        tables.append(
            pd.DataFrame(
                {"subject": "M", "session": name, "cue_ms": 1000 * cues,
                 "choice": rng.integers(0, 2, 30), "reward": rng.integers(0, 2, 30)}
            )
        )  # fmt: skip
    path = folder / "trials.csv"
    pd.concat(tables).to_csv(path, index=False)
    return path, tuple(traces), tuple(sorted_)


def green(files, **options):
    return PhotometryConfig(
        ("green",), file=files, process=RAW, response=WindowConfig("cue_ms"), **options
    )


def test_sessions_and_recordings_are_matched_in_order(lab):
    path, traces, sorted_ = lab
    config = ConvertConfig(
        FORMAT, photometry=green(traces), spikes=SpikesConfig("cue_ms", file=sorted_),
        event_unit="ms",
    )  # fmt: skip
    converted = convert_files([path], config)
    trials = converted.trials
    assert trials.names.signals == ("green", "M/d1/unit_7", "M/d2/unit_7")
    np.testing.assert_allclose(trials.signal[:, :, 0], np.repeat([[1.0], [2.0]], 30, axis=1))
    np.testing.assert_allclose(trials.signal[0, :, 1], 2)
    np.testing.assert_allclose(trials.signal[1, :, 2], 4)
    assert np.isnan(trials.signal[0, :, 2]).all()
    assert trials.context[0, 0, 0] == 10_000  # the table's own unit
    assert [row["session"] for row in converted.record["sessions"]] == ["d1", "d2"]
    assert converted.record["options"]["event_unit"] == "ms"
    swapped = convert_files(
        [path], ConvertConfig(FORMAT, photometry=green(traces[::-1]), event_unit="ms")
    )
    np.testing.assert_allclose(swapped.trials.signal[:, 0, 0], [2, 1])


def test_numbers_that_differ(lab):
    path, traces, sorted_ = lab

    def refused(kind=ConfigError, **options):
        with pytest.raises(kind) as caught:
            convert_files([path], ConvertConfig(FORMAT, **options))
        return str(caught.value)

    text = refused(photometry=green(traces[:1]), event_unit="ms")
    assert "There are 2 sessions, but 1 recordings (--photometry.file). Name one for" in text
    assert "M/d1, M/d2" in text
    text = refused(spikes=SpikesConfig("cue_ms", file=(*sorted_, *sorted_)), event_unit="ms")
    assert "2 sessions, but 4 files of spikes (--spikes.file)" in text
    assert "Tables hold no recordings. Name one for each session" in refused(photometry=green(()))
    assert "Tables hold no files of spikes" in refused(spikes=SpikesConfig("cue_ms"))
    text = refused(photometry=PhotometryConfig(file=traces))
    assert "it is not known which channel is the signal. Name it with --photom" in text
    text = refused(spikes=SpikesConfig(file=sorted_))
    assert "it is not known around which event spikes are counted. Name" in text
    text = refused(DataError, photometry=green(traces))
    assert "are not inside the recording" in text
    assert "unit of time (option event-unit)" in text
