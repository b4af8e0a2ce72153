"""Firing rates as signal columns of trials."""

import numpy as np
import pytest

from accumbens.errors import ConfigError, DataError
from accumbens.io.format import SourceFormat
from accumbens.io.tables.trials import from_table, to_table
from accumbens.run.convert.config import ConvertConfig, SpikesConfig
from accumbens.run.convert.conversion import convert_files

NWB = SourceFormat(choice="choice", outcome=("reward",), context=("outcome",))


@pytest.fixture(scope="module")
def sessions(make_nwb, tmp_path_factory):
    """Two sessions of 30 trials every 5 s, with three and two units."""
    folder, rng = tmp_path_factory.mktemp("units"), np.random.default_rng(0)
    paths, all_spikes = [], []
    for s, n_units in enumerate((3, 2)):
        events = 10 + 5.0 * np.arange(30)
        spikes = [np.sort(rng.uniform(0, 170, 400)) for _ in range(n_units)] + [np.array([1.0])]
        columns = {"choice": rng.integers(0, 2, 30), "reward": rng.integers(0, 2, 30)}
        units = [(x, ("M2", "NAc", "M2", "NAc")[i]) for i, x in enumerate(spikes)]
        columns["outcome"] = events
        paths.append(make_nwb(folder / f"{s}.nwb", columns, (), units, session=f"day {s}"))
        all_spikes.append(spikes)
    return paths, all_spikes


def test_rates_are_signals(sessions):
    (path, _), (spikes, _) = sessions
    config = ConvertConfig(NWB, spikes=SpikesConfig("outcome", (0.0, 2.0)))
    converted = convert_files([path], config)
    trials = converted.trials
    assert trials.names.signals == ("unit_0", "unit_1", "unit_2")
    event = trials.context[0, 7, 0]
    inside = (spikes[1] >= event) & (spikes[1] < event + 2)
    assert trials.signal[0, 7, 1] == inside.sum() / 2
    assert converted.units["region"].tolist() == ["M2", "NAc", "M2"]
    assert converted.record["units"][0]["trials"] == 30
    assert len(to_table(trials)) == 30


def test_units_of_several_sessions_are_columns_of_their_own(sessions):
    paths, _ = sessions
    config = ConvertConfig(NWB, spikes=SpikesConfig("outcome", region=("NAc",)))
    trials = convert_files(paths, config).trials
    assert trials.names.signals == ("rat 7/day 0/unit_1", "rat 7/day 1/unit_1")
    measured = np.isfinite(trials.signal).any(1)
    assert measured.tolist() == [[True, False], [False, True]]
    from accumbens.io.tables.trials import format_of

    assert from_table(to_table(trials), format_of(trials)).names == trials.names


def test_options_that_contradict(sessions):
    (path, _), _ = sessions

    def refused(kind, **options):
        with pytest.raises(kind) as caught:
            convert_files([path], ConvertConfig(NWB, spikes=SpikesConfig(**options)))
        return str(caught.value)

    assert "there is no unit 9 (--spikes.unit)" in refused(
        ConfigError, event="outcome", unit=("9",)
    )
    text = refused(ConfigError, event="outcome", region=("V1",))
    assert "no unit is in V1 (--spikes.region); the regions are M2, NAc" in text
    assert "fewer than 31 (--spikes.min-trials)" in refused(
        DataError, event="outcome", min_trials=31
    )
    assert "There are 1 sessions, but 2 files of spikes" in refused(
        ConfigError, event="outcome", file=(path, path)
    )
    assert "the windows of 1 of 30 events (outcome) are not inside the recording" in refused(
        DataError, event="outcome", window=(0.0, 17.0)
    )
