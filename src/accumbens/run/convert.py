"""Recordings in, one trial table out, with a record of every choice that was made."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import pandas as pd
import tyro
from jaxtyping import Float

from ..errors import ConfigError, DataError
from ..io.nwb import NwbSession, join_sessions, read_nwb_session
from ..io.nwb_format import NwbFormat
from ..io.saved_models import write_atomically
from ..io.tables import format_of, to_table, write_table
from ..recordings import ClockConfig
from ..trials import Trials
from .folder import fingerprint, versions
from .photometry import PhotometryConfig, photometry_signals
from .spikes import SpikesConfig, spike_signals


@dataclasses.dataclass(frozen=True)
class ConvertConfig:
    """How recordings become a trial table."""

    nwb: Annotated[NwbFormat, tyro.conf.arg(name="")] = dataclasses.field(default_factory=NwbFormat)
    """Which columns of the files' trials mean what."""
    clock: Annotated[ClockConfig, tyro.conf.arg(name="")] = dataclasses.field(
        default_factory=ClockConfig
    )
    """Which clock to believe, where a recording's own contradicts its samples."""
    photometry: PhotometryConfig = dataclasses.field(default_factory=PhotometryConfig)
    """Which photometry channels become signals, and how."""
    spikes: SpikesConfig = dataclasses.field(default_factory=SpikesConfig)
    """Which units' firing rates become signals, and in which window."""


class Converted(NamedTuple):
    """A trial table to be. quality: one row a channel and session of photometry; units: one a unit.

    record: what it was made of, and how, options and quality included.
    """

    trials: Trials
    quality: pd.DataFrame
    units: pd.DataFrame
    record: dict[str, Any]


def convert(paths: Sequence[str | os.PathLike[str]], config: ConvertConfig) -> Converted:
    """The sessions of NWB files as one `Trials`, in the order of the files.

    Raises DataError for files that cannot be used, ConfigError for options that contradict.
    """
    if len(paths) > 1 and config.nwb.session is not None:
        raise ConfigError("--session names the session of one file: leave it out for several.")
    sessions = [read_nwb_session(path, config.nwb) for path in paths]
    trials = join_sessions(sessions)
    files = [session.path for session in sessions]
    quality: list[dict[str, Any]] = []
    units: list[dict[str, Any]] = []
    if config.photometry.channel:
        signal, quality = photometry_signals(trials, files, config.photometry, config.clock)
        trials = with_more_signals(trials, signal, config.photometry.signals)
    if config.spikes.event:
        signal, names, units = spike_signals(trials, files, config.spikes)
        trials = with_more_signals(trials, signal, names)
    record = _record(trials, sessions, config) | {"quality": quality, "units": units}
    return Converted(trials, pd.DataFrame(quality), pd.DataFrame(units), record)


def with_more_signals(
    trials: Trials, signal: Float[np.ndarray, "session trial signal"], names: tuple[str, ...]
) -> Trials:
    """The same trials with further signal columns. Raises DataError where a name is taken."""
    known = (*trials.names.outcomes, *trials.names.signals, *trials.names.contexts)
    taken = [name for name in names if name in known or names.count(name) > 1]
    if taken:
        raise DataError(f"There is already a column {taken[0]!r}: name the signal otherwise.")
    both = np.concatenate([trials.signal, signal], axis=2)
    return trials.with_signals(both, (*trials.names.signals, *names))


def write_converted(converted: Converted, out: str | os.PathLike[str]) -> Path:
    """Writes the table to `out`, its record to `<out>.convert.json`; returns the record's path."""
    out = Path(out)
    if out.exists() and out.is_dir():
        raise DataError(f"Cannot write {out}: it is a folder. Name a table file inside it.")
    write_table(to_table(converted.trials), out)
    record = record_path(out)
    text = json.dumps(converted.record, indent=1, default=_plain)
    write_atomically(record, text.encode())
    return record


def record_path(table: Path) -> Path:
    """Where the record of a converted table lies: beside it."""
    return table.with_name(f"{table.name.split('.')[0]}.convert.json")


def _record(
    trials: Trials, sessions: Sequence[NwbSession], config: ConvertConfig
) -> dict[str, Any]:
    rows = []
    for s, session in enumerate(sessions):
        valid = trials.valid[s]
        rows.append(
            {
                "file": str(session.path),
                "subject": session.subject,
                "session": session.session,
                "trials": int(trials.length[s]),
                "choices": int(valid.sum()),
                "missed": int(trials.length[s] - valid.sum()),
                **{
                    name: float(trials.outcome[s][valid][:, i].sum())
                    for i, name in enumerate(trials.names.outcomes)
                },
            }
        )
    return {
        "sessions": rows,
        "columns": dataclasses.asdict(format_of(trials)),
        "options": dataclasses.asdict(config),
        "fingerprint": fingerprint(trials),
        "versions": versions() | _reader_versions(),
    }


def _reader_versions() -> dict[str, str]:
    """Versions of the libraries that read recordings, as far as they are installed."""
    found = {}
    for name in ("pynwb", "hdmf", "hdmf-zarr", "h5py", "zarr"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return str(value)
