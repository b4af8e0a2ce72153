"""Every choice that a user makes about turning recordings into a trial table."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

from ...errors import ConfigError
from ...io.format import SourceFormat
from ...io.sources import names_of
from ...neural.events.config import Window, WindowConfig
from ...neural.photometry.config import PreprocessConfig
from ...recordings.config import ClockConfig
from ..options import FLAT, Note

RECORDINGS = Note(lambda: f"Known are {names_of('recording')}.")
UNITS = Note(lambda: f"Known are {names_of('units')}.")


@dataclasses.dataclass(frozen=True)
class PhotometryConfig:
    """Which channels become signals, and how."""

    channel: tuple[str, ...] = ()
    """Channels to take signals from, such as G_1; none: no photometry."""
    control: tuple[str, ...] = ()
    """Isosbestic or red channel of each channel in the same order, or one for all."""
    name: tuple[str, ...] = ()
    """Names of the signal columns, one for each channel; by default those of the channels."""
    file: Annotated[tuple[Path, ...], RECORDINGS] = ()
    """Recordings, one for each session, where they are not in its own file."""
    time: str | None = "time"
    """Column of times, of a recording in a table; None: it has none (give --assume-rate)."""
    time_unit: str = "s"
    """Unit of these times: s, ms or us."""
    state: str | None = "auto"
    """Column that says which light was on in each row of a table, where several share a column in
    turn (LedState, Flags); auto: found by its name; None: there is none."""
    process: Annotated[PreprocessConfig, FLAT] = dataclasses.field(default_factory=PreprocessConfig)
    """How a raw channel becomes a signal."""
    response: Annotated[WindowConfig, FLAT] = dataclasses.field(default_factory=WindowConfig)
    """Which number of the signal is the response of a trial."""

    def __post_init__(self) -> None:
        if self.control and len(self.control) not in (1, len(self.channel)):
            raise ConfigError(
                f"There are {len(self.channel)} channels, but {len(self.control)} controls. Name "
                "one for each channel, or one for all."
            )
        if self.name and len(self.name) != len(self.channel):
            raise ConfigError(
                f"There are {len(self.channel)} channels, but {len(self.name)} names for them. "
                "Give one for each channel."
            )

    @property
    def signals(self) -> tuple[str, ...]:
        """Names of the signal columns."""
        return self.name or self.channel


@dataclasses.dataclass(frozen=True)
class SpikesConfig:
    """Which units become signals, and in which window their spikes are counted."""

    event: str = ""
    """Context column with the time of the event in each trial; none: no spikes."""
    window: Window = (0.0, 1.0)
    """Start and end of the window in which spikes are counted, in s from the event."""
    file: Annotated[tuple[Path, ...], UNITS] = ()
    """Spikes, one for each session, where they are not in its own file."""
    labels: tuple[str, ...] = ("good",)
    """Labels of the clusters to keep, of a Phy folder; all: every cluster, labelled or not."""
    label_column: str | None = None
    """Column of these labels; by default group, or KSLabel where there is no group."""
    unit: tuple[str, ...] = ()
    """Ids of the units to keep; none: all with a sufficient rate."""
    region: tuple[str, ...] = ()
    """Regions to keep; none: all."""
    min_rate: float = 0.1
    """Units with a lower rate over the recording, in spikes/s, are left out."""
    min_trials: int = 20
    """Smallest number of trials in the recording of a session; fewer are an error."""
    sort: bool = False
    """Sort spike times that are not ascending, instead of stopping with an error."""
    outside: Literal["error", "blank"] = "error"
    """Where windows are not inside the recording: stop with an error, or leave the trial blank."""


@dataclasses.dataclass(frozen=True)
class ConvertConfig:
    """How recordings are converted into a trial table."""

    trials: Annotated[SourceFormat, FLAT] = dataclasses.field(default_factory=SourceFormat)
    """Which columns of the trials mean what."""
    clock: Annotated[ClockConfig, FLAT] = dataclasses.field(default_factory=ClockConfig)
    """What to use as the times of samples, where the timestamps of a recording are wrong."""
    photometry: PhotometryConfig = dataclasses.field(default_factory=PhotometryConfig)
    """Which photometry channels become signals, and how."""
    spikes: SpikesConfig = dataclasses.field(default_factory=SpikesConfig)
    """Which units' firing rates become signals, and in which window."""
    event_unit: Literal["s", "ms", "us"] = "s"
    """Unit of the event times of the trials: s, ms (pyControl) or us."""
    event_from: str | None = None
    """Context column that event times are counted from, such as the start of each trial; None: they
    are times of the recording."""
    unlikely: Literal["error", "allow"] = "error"
    """Where times or rates are unlikely to be in the unit that was given, or event times do not
    ascend: stop with an error, or go on."""
