"""From the photometry of sessions to signal columns of their trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ...errors import DataError
from ...io.photometry.files import read_recording
from ...io.photometry.interleaved import check_one_light
from ...io.photometry.recording import Recording, find_channel
from ...neural.events.units_of_time import check_unit_of_time
from ...neural.events.windows import trial_responses
from ...neural.photometry.config import PreprocessConfig
from ...neural.photometry.preprocessing import Preprocessed, preprocess
from ...neural.photometry.quality import channel_quality
from ...progress.base import Progress
from ...recordings import ClockConfig, Trace, settle_clock
from ...trials import Trials
from .alignment import DEFAULT_CLOCK, EventClock, event_times, files_of_sessions
from .config import PhotometryConfig


class ChannelResult(NamedTuple):
    """A channel of one session.

    Attributes:
        result: of preprocessing.
        quality: its row of the table of quality (see `channel_quality`).
    """

    result: Preprocessed
    quality: dict[str, Any]


def process_channel(
    recording: Recording,
    name: str,
    control: str | None = None,
    process: PreprocessConfig | None = None,
    clock: ClockConfig | None = None,
) -> ChannelResult:
    """Checks the timestamps of a channel and preprocesses it.

    Args:
        recording: with the channel.
        name: of the channel.
        control: name of the control channel, if there is one.
        process: how the channel is preprocessed.
        clock: what to use as times, where the timestamps are wrong.

    Raises:
        ConfigError: options contradict each other.
        DataError: there is no such channel, its timestamps are wrong, or it cannot be preprocessed.
    """
    clock, process = clock or ClockConfig(), process or PreprocessConfig()
    channel = find_channel(recording, name, "--photometry.channel")
    trace = settle_clock(channel, clock, recording.channels)
    other = None
    if control is not None:
        reference = find_channel(recording, control, "--photometry.control")
        other = settle_clock(reference, clock, recording.channels)
    result = preprocess(trace, other, process)
    return ChannelResult(result, channel_quality(channel, trace, other, result))


def photometry_signals(
    trials: Trials, paths: Sequence[Path], config: PhotometryConfig, clock: ClockConfig,
    events_on: EventClock = DEFAULT_CLOCK, progress: Progress | None = None,
) -> tuple[Float[np.ndarray, "session trial signal"], list[dict[str, Any]]]:  # fmt: skip
    """The response of each trial in each channel, and the quality of the channels.

    Args:
        trials: of the sessions.
        paths: file of each session that may hold its recording too; none for tables.
        config: channels, preprocessing and response.
        clock: what to use as times, where timestamps are wrong.
        events_on: how the columns of event times are counted.
        progress: told of recordings read.

    Returns:
        The signals, NaN where there is no response; and a row for each channel and session.

    Raises:
        ConfigError: there is not one recording for each session, or no such event.
        DataError: a recording cannot be used, or is not aligned with the trials.
    """
    files = files_of_sessions(trials, paths, config.file, "recordings", "--photometry.file")
    controls: tuple[str | None, ...] = config.control or (None,)
    if len(controls) < len(config.channel):
        controls = controls * len(config.channel)
    shape = (*trials.choice.shape, len(config.channel))
    signal, rows = np.full(shape, np.nan), []
    for s, path in enumerate((progress or Progress()).each("photometry", files)):
        recording = read_recording(
            path, time=config.time, time_unit=config.time_unit, rate=clock.assume_rate,
            state=config.state,
        )  # fmt: skip
        n = int(trials.length[s])
        events = event_times(trials, s, config.response.event, "--photometry.event", events_on)
        base = config.response.baseline_event
        before = None
        if base is not None:
            before = event_times(trials, s, base, "--photometry.baseline-event", events_on)
        if config.state is not None:
            _check_one_light(recording, config)
        for i, (name, control) in enumerate(zip(config.channel, controls, strict=True)):
            one = process_channel(recording, name, control, config.process, clock)
            if not events_on.unlikely_allowed:
                _check_unit(one.result.trace, events, config)
            numbers = trial_responses(one.result.trace, events, config.response, before)
            if np.isnan(numbers).all():
                raise DataError(
                    f"{path}: no trial of session {trials.session_labels[s]} has a response in "
                    f"{name}: too few samples were measured in every window. Check the windows, "
                    "the unit of the times and the channel, or leave the session out."
                )
            signal[s, :n, i] = numbers
            about = {"session": trials.session_labels[s], "signal": config.signals[i]}
            blank = int(np.isnan(numbers).sum())
            rows.append(about | one.quality | {"trials_blank": blank})
    return signal, rows


def _check_one_light(recording: Recording, config: PhotometryConfig) -> None:
    for option, names in (("channel", config.channel), ("control", config.control)):
        for name in names:
            check_one_light(find_channel(recording, name, f"--photometry.{option}"))


def _check_unit(
    trace: Trace, events: Float[np.ndarray, " trial"], config: PhotometryConfig
) -> None:
    recorded = (float(trace.times[0]), float(trace.times[-1]))
    what, response = f"{trace.source}: {trace.name}", config.response
    events = events + response.shift
    check_unit_of_time(events, response.window, recorded, what, interval=trace.interval)
    if response.baseline is not None:
        check_unit_of_time(events, response.baseline, recorded, what, interval=trace.interval)
