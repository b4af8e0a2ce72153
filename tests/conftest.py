"""Shared fixtures."""

import datetime
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from accumbens.run import keep_programs
from helpers.compiled_code import free_compiled_code

# A busy machine is no reason for a test to fail.
settings.register_profile(
    "any_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any_machine")


@pytest.fixture(scope="session", autouse=True)
def _programs_are_kept():
    """Several tests, and both processes that run them, compile the same programs."""
    keep_programs()


@pytest.fixture(scope="module", autouse=True)
def _compiled_code_is_freed():
    """A process that runs many modules would otherwise be ended by XLA."""
    yield
    free_compiled_code()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the repository; skips where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real data are not on this machine ({folder.parent.name}/{folder.name})")
    return folder


@pytest.fixture(scope="session")
def make_nwb():
    """Writes an NWB file with a trials table, time series and units, as another lab would."""
    pynwb = pytest.importorskip("pynwb")

    def make(path, columns=None, series=(), units=None, *, subject="rat 7", session="day 1"):
        """columns: of the trials table, by name. series: (name, values, times or rate) each.
        units: (spike times, region) each."""
        about = None if subject is None else pynwb.file.Subject(subject_id=subject)
        start = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
        file = pynwb.NWBFile("a test", f"id of {path.name}", start, session_id=session,
                             subject=about)  # fmt: skip
        if columns is not None:
            n = len(next(iter(columns.values())))
            whole = {"start_time": np.arange(n) * 1.0, "stop_time": np.arange(n) + 0.9} | columns
            data = [
                pynwb.core.VectorData(name=name, description=f"{name} of the trial", data=values)
                for name, values in whole.items()
            ]
            file.trials = pynwb.epoch.TimeIntervals(
                name="trials", description="trials", columns=data, colnames=list(whole)
            )
        for name, values, clock in series:
            timing = {"timestamps": clock} if np.ndim(clock) else {"rate": clock}
            file.add_acquisition(pynwb.TimeSeries(name=name, data=values, unit="V", **timing))
        if units is not None:
            file.add_unit_column("region", "brain region")
            for spikes, region in units:
                file.add_unit(spike_times=spikes, region=region)
        if path.suffix == ".zarr":
            writer = pytest.importorskip("hdmf_zarr").NWBZarrIO
        else:
            writer = pynwb.NWBHDF5IO
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with writer(str(path), "w") as io:
                io.write(file)
        return path

    return make
