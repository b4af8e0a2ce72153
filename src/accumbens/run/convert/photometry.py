"""Photometry of a session to signal columns of its trials."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ...errors import ConfigError
from ...io.photometry.files import Recording, channel, read_recording
from ...io.sources import names_of
from ...neural.events.windows import WindowConfig, trial_numbers
from ...neural.photometry.preprocessing import PreprocessConfig, Preprocessed, preprocess
from ...neural.photometry.quality import channel_quality
from ...progress.base import Progress
from ...recordings import ClockConfig, settle_clock
from ...trials import Trials
from ..options import FLAT, Note
from .alignment import event_times, files_of_sessions

KNOWN = Note(lambda: f"Known are {names_of('recording')}.")


@dataclasses.dataclass(frozen=True)
class PhotometryConfig:
    """Which channels become signals, and how."""

    channel: tuple[str, ...] = ()
    """Series to take signals from, such as G_1; none: no photometry."""
    control: tuple[str, ...] = ()
    """Isosbestic or red series of each channel in the same order, or one for all."""
    name: tuple[str, ...] = ()
    """Signal columns to make, one a channel; by default the channels' own names."""
    file: Annotated[tuple[Path, ...], KNOWN] = ()
    """Recordings, one a session, where they are not in the sessions' own files."""
    time: str = "time"
    """Of a recording in a table: its column of times."""
    time_unit: str = "s"
    """Of a recording in a table: what its times count, s, ms or us."""
    process: Annotated[PreprocessConfig, FLAT] = dataclasses.field(default_factory=PreprocessConfig)
    """How a raw channel becomes a signal."""
    response: Annotated[WindowConfig, FLAT] = dataclasses.field(default_factory=WindowConfig)
    """Which number of the signal belongs to a trial."""

    def __post_init__(self) -> None:
        if self.control and len(self.control) not in (1, len(self.channel)):
            raise ConfigError(
                f"{len(self.channel)} channels, but {len(self.control)} controls: name one a "
                "channel, or one for all."
            )
        if self.name and len(self.name) != len(self.channel):
            raise ConfigError(f"{len(self.channel)} channels, but {len(self.name)} names for them.")

    @property
    def signals(self) -> tuple[str, ...]:
        return self.name or self.channel


class ChannelResult(NamedTuple):
    """A channel of one session: after preprocessing, and one row of the quality table."""

    result: Preprocessed
    quality: dict[str, Any]


def process_channel(
    recording: Recording,
    name: str,
    control: str | None = None,
    process: PreprocessConfig | None = None,
    clock: ClockConfig | None = None,
) -> ChannelResult:
    """A channel of a recording on a clock that can be believed, after preprocessing.

    Raises DataError that says which numbers disagree where the clock or the channels do.
    """
    clock, process = clock or ClockConfig(), process or PreprocessConfig()
    series = channel(recording, name, "--photometry.channel")
    trace = settle_clock(series, clock, recording.series)
    other = None
    if control is not None:
        reference = channel(recording, control, "--photometry.control")
        other = settle_clock(reference, clock, recording.series)
    result = preprocess(trace, other, process)
    return ChannelResult(result, channel_quality(series, trace, other, result))


def photometry_signals(
    trials: Trials, paths: Sequence[Path], config: PhotometryConfig, clock: ClockConfig,
    event_unit: str = "s", progress: Progress | None = None,
) -> tuple[Float[np.ndarray, "session trial signal"], list[dict[str, Any]]]:  # fmt: skip
    """One number a trial for each channel of each session, and the quality table's rows.

    paths: the file of each session that may hold its recording too; none for tables.
    event_unit: what the columns of event times count, s, ms or us.
    Raises DataError for recordings that cannot be aligned.
    """
    files = files_of_sessions(trials, paths, config.file, "recordings", "--photometry.file")
    controls: tuple[str | None, ...] = config.control or (None,)
    if len(controls) < len(config.channel):
        controls = controls * len(config.channel)
    shape = (*trials.choice.shape, len(config.channel))
    signal, rows = np.full(shape, np.nan), []
    for s, path in enumerate((progress or Progress()).each("photometry", files)):
        recording = read_recording(path, time=config.time, time_unit=config.time_unit)
        n = int(trials.length[s])
        events = event_times(trials, s, config.response.event, "--photometry.event", event_unit)
        base = config.response.baseline_event
        before = None
        if base is not None:
            before = event_times(trials, s, base, "--photometry.baseline-event", event_unit)
        for i, (name, control) in enumerate(zip(config.channel, controls, strict=True)):
            one = process_channel(recording, name, control, config.process, clock)
            numbers = trial_numbers(one.result.trace, events, config.response, before)
            signal[s, :n, i] = numbers
            about = {"session": trials.session_labels[s], "signal": config.signals[i]}
            blank = int(np.isnan(numbers).sum())
            rows.append(about | one.quality | {"trials_blank": blank})
    return signal, rows
