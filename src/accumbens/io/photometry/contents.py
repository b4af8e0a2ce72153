"""What a recording holds: its channels and digital lines."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..contents import CHANNEL_COLUMNS, Contents, Listing
from ..nwb.contents import describe_channel
from ..sources import file_kind
from .files import read_recording


def recording_contents(path: Path) -> Contents:
    """What a recording of any kind holds.

    Raises:
        DataError: it cannot be read.
    """
    recording = read_recording(path)
    channels = [describe_channel(name, one) for name, one in recording.channels.items()]
    listings = [
        Listing("time series (s, Hz)", pd.DataFrame(channels).reindex(columns=CHANNEL_COLUMNS))
    ]
    lines = [
        {
            "line": name,
            "pulses": len(times),
            "first": float(times[0]) if len(times) else float("nan"),
            "last": float(times[-1]) if len(times) else float("nan"),
        }
        for name, times in recording.events.items()
    ]
    if lines:
        listings.append(Listing("digital lines (s)", pd.DataFrame(lines)))
    about = {str(key): str(value) for key, value in recording.about.items()}
    return Contents(path, {"stored as": file_kind(path).words} | about, tuple(listings))
