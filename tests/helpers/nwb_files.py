"""NWB files as other labs write them, for tests."""

import datetime
import warnings

import numpy as np


def write_nwb(path, columns=None, series=(), units=None, *, subject="rat 7", session="day 1"):
    """Writes an NWB file with a trials table, time series and units, as another lab would.

    columns: of the trials table, by name. series: (name, values, times or rate) each.
    units: (spike times, region) each."""
    import pynwb

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
        from hdmf_zarr import NWBZarrIO as writer
    else:
        writer = pynwb.NWBHDF5IO
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with writer(str(path), "w") as io:
            io.write(file)
    return path
