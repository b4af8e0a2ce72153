"""Events that cannot be times of the recording, and units of time that do not fit."""

import numpy as np
import pandas as pd
import pytest

from accumbens.errors import ConfigError, DataError
from accumbens.io.format import SourceFormat
from accumbens.neural.events.config import WindowConfig
from accumbens.neural.events.units_of_time import check_unit_of_time
from accumbens.run.convert.config import ConvertConfig, PhotometryConfig, SpikesConfig
from accumbens.run.convert.conversion import convert_files

N = 40
OUTCOMES = 20 + 8.0 * np.arange(N)


@pytest.fixture
def session(tmp_path):
    """A trial table, a recording whose values are the time, and spikes, all in s."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "subject": "M1", "session": "d1", "choice": rng.choice(["left", "right"], N),
            "reward": rng.integers(0, 2, N), "start": OUTCOMES - 2,
            "outcome_s": OUTCOMES, "outcome_ms": 1e3 * OUTCOMES, "within": rng.uniform(2, 2.5, N),
            "same": 2.0,
        }
    )  # fmt: skip
    table.to_csv(tmp_path / "trials.csv", index=False)
    times = np.arange(0, 400, 0.05)
    for name, scale in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        pd.DataFrame(
            {"time": times * scale, "G": 1 + 0.1 * rng.standard_normal(len(times))}
        ).to_csv(tmp_path / f"rec_{name}.csv", index=False)
    spikes = np.sort(rng.uniform(0, 400, 2000))
    for name, scale in (("s", 1.0), ("ms", 1e3), ("samples", 30_000.0), ("ks", 1e-3)):
        np.savez(
            tmp_path / f"spikes_{name}.npz",
            spike_times=spikes * scale,
            spike_clusters=np.zeros(2000, int),
        )
    return tmp_path


def convert(folder, event="outcome_s", recording=None, spikes=None, **options):
    trials = SourceFormat(context=("start", "outcome_s", "outcome_ms", "within", "same"))
    photometry, units = PhotometryConfig(), SpikesConfig()
    if recording:
        response = WindowConfig(event=event)
        photometry = PhotometryConfig(
            channel=("G",), file=(folder / recording,), response=response, **options.pop("p", {})
        )
    if spikes:
        units = SpikesConfig(event=event, file=(folder / spikes,), **options.pop("s", {}))
    config = ConvertConfig(trials=trials, photometry=photometry, spikes=units, **options)
    return convert_files([folder / "trials.csv"], config).trials


@pytest.mark.parametrize("event", ["within", "same"])
@pytest.mark.parametrize("files", [{"recording": "rec_s.csv"}, {"spikes": "spikes_s.npz"}])
def test_times_within_each_trial_are_refused(event, files, session):
    with pytest.raises(DataError, match=rf"times of '{event}' .* do not ascend: \d+ of 39 are not"):
        convert(session, event, **files)


def test_times_counted_from_the_start_of_each_trial(session):
    own = convert(session, "within", spikes="spikes_s.npz", event_from="start")
    starts, within = (own.context[0, :, own.names.contexts.index(n)] for n in ("start", "within"))
    spikes = np.load(session / "spikes_s.npz")["spike_times"]
    counts = [((spikes >= t) & (spikes < t + 1)).sum() for t in starts + within]
    np.testing.assert_array_equal(own.signal[0, :, 0], counts)
    itself = convert(session, "start", spikes="spikes_s.npz", event_from="start")
    plain = convert(session, "start", spikes="spikes_s.npz")
    np.testing.assert_array_equal(itself.signal, plain.signal)
    with pytest.raises(ConfigError, match="no column 'begin' of event times"):
        convert(session, "within", spikes="spikes_s.npz", event_from="begin")


@pytest.mark.parametrize(("recording", "unit"), [("rec_ms.csv", "ms"), ("rec_us.csv", "us")])
def test_a_recording_in_a_smaller_unit(recording, unit, session):
    with pytest.raises(DataError, match=rf"seem to be in {unit}, not in s: .*time-unit {unit}"):
        convert(session, recording=recording)
    right = convert(session, recording=recording, p={"time_unit": unit})
    assert np.isfinite(right.signal).all()


@pytest.mark.parametrize(
    ("spikes", "message"),
    [
        ("spikes_ms.npz", r"0\.078 % of the recording .* seem to be in ms, not in s"),
        ("spikes_samples.npz", r"of the recording .* seem to be in sample numbers"),
        ("spikes_ks.npz", r"fires at 5,0\d\d spikes/s over the recording, which no neuron does"),
    ],
)
def test_spikes_in_another_unit(spikes, message, session):
    with pytest.raises(DataError, match=message):
        convert(session, spikes=spikes)


def test_events_in_another_unit(session):
    for files in ({"recording": "rec_s.csv"}, {"spikes": "spikes_s.npz"}):
        with pytest.raises(DataError, match="events seem to be in ms: give --event-unit ms"):
            convert(session, "outcome_ms", **files)
    with pytest.raises(DataError, match="a sample every 50 s, so a window of 1 s"):
        convert(session, "outcome_ms", recording="rec_ms.csv")
    with pytest.raises(DataError, match="Spikes and events seem to be in ms"):
        convert(session, "outcome_ms", spikes="spikes_ms.npz")
    right = convert(session, "outcome_ms", spikes="spikes_s.npz", event_unit="ms")
    np.testing.assert_array_equal(right.signal, convert(session, spikes="spikes_s.npz").signal)


def test_what_is_likely_passes_and_what_is_not_can_be_allowed(session):
    events, rates = OUTCOMES, np.array([0.2, 80.0])
    check_unit_of_time(events, (0.0, 1.0), (0.0, 20_000.0), "x", interval=0.05, rates=rates)
    check_unit_of_time(events[:4], (0.0, 1.0), (0.0, 1e6), "x", interval=0.05)
    with pytest.raises(DataError, match=r"x: the events are from .* 0\.31 % of the recording"):
        check_unit_of_time(events, (0.0, 1.0), (0.0, 1e5), "x", interval=0.05)
    allowed = convert(session, spikes="spikes_ms.npz", unlikely="allow", s={"min_rate": 0.0})
    assert np.isfinite(allowed.signal).all()


def test_a_channel_without_a_response_in_any_trial(session):
    frame = pd.read_csv(session / "rec_s.csv")
    frame.loc[frame.time % 8 < 6, "G"] = np.nan
    frame.to_csv(session / "rec_gaps.csv", index=False)
    with pytest.raises(DataError, match=r"no trial of session M1/d1 has a response in G: too few"):
        convert(session, recording="rec_gaps.csv")
