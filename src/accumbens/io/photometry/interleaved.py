"""Several excitations that share a column in turn: one row each, with a column that says which.

Neurophotometrics' FP3002 writes a frame for each light in turn, all into the columns of its
regions; LedState or Flags say which light was on: bit 1 415 nm, bit 2 470 nm, bit 4 560 nm.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from ...errors import DataError
from ...recordings import Channel
from ..tables.cells import factorized, labels, numbers
from ..tables.problems import listed, near_matches, show

STATE_NAMES = (
    "ledstate", "ledstates", "flags", "flag", "led", "leds", "excitation", "excitationnm",
    "excitationwavelength", "wavelength", "wavelengthnm", "lightsource", "channelstate",
    "lightstate",
)  # fmt: skip
"""Usual names of a column of states, without case, blanks and punctuation."""

BITS = {1: "415", 2: "470", 4: "560"}
"""Wavelength in nm of the lights of an FP3002, by their bits in LedState and Flags."""

BITS_NAMES = ("ledstate", "ledstates", "flags", "flag")
MAX_STATES = 8
IN_TURN = 0.8
"""Share of rows whose state differs from that of the row before, above which states take turns."""

FEW = 0.01
"""States in a smaller share of rows, such as a first frame with all lights on, are left out."""

MIXED = 4.0
"""Samples that take turns differ so many times more from the next one than from their own kind's.
A signal of one light does not: samples next to each other differ least."""


class Interleaving(NamedTuple):
    """Which light was on in each row.

    Attributes:
        column: that says so.
        names: of the lights.
        state: number of the light of each row, -1 for rows that are left out.
        sure: whether the column's name says that it holds states, or the user did.
    """

    column: str
    names: tuple[str, ...]
    state: Int[np.ndarray, " row"]
    sure: bool


def interleaving(
    path: Path, frame: pd.DataFrame, state: str | None, time: str | None
) -> Interleaving | None:
    """The column of states of a table; None where there is none, or one light was on throughout.

    Args:
        path: of the file, for messages.
        frame: the table.
        state: name of the column; "auto" finds it; None: there is none.
        time: the column of times.

    Raises:
        DataError: there is no column of this name.
    """
    if state is None:
        return None
    names = [str(label) for label in frame.columns]
    if state != "auto":
        if names.count(state) != 1:
            near = near_matches(state, names)
            hint = f" Did you mean {listed(near)}?" if near else ""
            raise DataError(
                f"{path}: there is {'no' if state not in names else 'more than one'} column of "
                f"states {show(state)} (--photometry.state).{hint} Its columns are "
                f"{', '.join(names)}."
            )
        return _read(state, frame.iloc[:, names.index(state)], sure=True)
    usual = [name for name in names if _core(name) in STATE_NAMES]
    for name in [*usual, *names]:
        if name == time or names.count(name) > 1:
            continue
        cells = cast(pd.Series, frame.iloc[:, names.index(name)])
        if len(factorized(cells.iloc[:200])[1]) > 2 * MAX_STATES and name not in usual:
            continue
        found = _read(name, cells, sure=name in usual)
        if found is not None and _in_turn(found.state):
            return found
    return None


def split(
    channels: dict[str, Channel], found: Interleaving
) -> tuple[dict[str, Channel], dict[str, str]]:
    """Each channel as one for each light, `channel:light`.

    Returns:
        The channels; and for the names of whole columns what to name instead. A column whose name
        does not say that it holds states splits nothing: only columns whose values follow it are
        refused, until the user says what it is.
    """
    kept: dict[str, Channel] = {}
    refused: dict[str, str] = {}
    for name, channel in channels.items():
        if name == found.column:
            kept[name] = channel
            continue
        parts = {light: np.flatnonzero(found.state == i) for i, light in enumerate(found.names)}
        which = listed([f"{light} ({len(rows):,} rows)" for light, rows in parts.items()],
                       quote=False)  # fmt: skip
        if not found.sure:
            if _follows(channel.values, found.state):
                refused[name] = (
                    f"the values of {show(name)} change in turn with the column "
                    f"{show(found.column)}, which holds {which}. If it says which light was on, "
                    f"give --photometry.state {found.column}; if it does not, --photometry.state "
                    "None."
                )
            else:
                kept[name] = channel
            continue
        for light, rows in parts.items():
            times = None if channel.times is None else channel.times[rows]
            one = f"{name}:{light}"
            kept[one] = Channel(one, channel.values[rows], times, source=channel.source)
        example = [f"{name}:{light}" for light in found.names]
        refused[name] = (
            f"the column {show(name)} holds several excitations in turn, as the column "
            f"{show(found.column)} says: {which}. Name one of {', '.join(example)}; or, if "
            f"{found.column} is something else, give --photometry.state None."
        )
    return kept, refused


def _read(name: str, cells: pd.Series, *, sure: bool) -> Interleaving | None:
    """The states of a column; None where it has too many, or one throughout."""
    values, unread = numbers(cells)
    whole = not unread.any() and np.isfinite(values).all() and (values == np.round(values)).all()
    if _core(name) in BITS_NAMES and whole and (values >= 0).all() and (values < 2**31).all():
        bits = values.astype(np.int64) & sum(BITS)
        group, known = pd.factorize(bits, sort=True)
        names = tuple(BITS.get(int(bit), f"state {bit}") for bit in known)
    else:
        group, names = labels(cells)
    count = np.bincount(group[group >= 0], minlength=len(names))
    often = np.flatnonzero(count >= max(2.0, FEW * len(group)))
    if len(often) > MAX_STATES or len(often) < 2:
        return None
    lookup = np.full(len(names) + 1, -1, np.int64)
    lookup[often] = np.arange(len(often))
    return Interleaving(name, tuple(names[i] for i in often), lookup[group], sure)


def _in_turn(state: Int[np.ndarray, " row"]) -> bool:
    known = state[state >= 0]
    return len(known) > 1 and bool((np.diff(known) != 0).mean() > IN_TURN)


def _follows(values: Float[np.ndarray, " row"], state: Int[np.ndarray, " row"]) -> bool:
    """Whether the states explain most of how the values change from row to row."""
    known = np.isfinite(values) & (state >= 0)
    if known.sum() < 10:
        return False
    x, s = values[known], state[known]
    level = np.array([np.median(x[s == i]) if (s == i).any() else 0.0 for i in range(s.max() + 1)])
    spread, left = np.median(np.abs(np.diff(x))), np.median(np.abs(np.diff(x - level[s])))
    return bool(left < 0.5 * spread)


def _core(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def check_one_light(channel: Channel) -> None:
    """Checks that the samples of a channel do not take turns between levels, as those of several
    lights in one column do.

    Raises:
        DataError: samples differ far more from the next one than from the one two, three or four
            later.
    """
    x = channel.values[np.isfinite(channel.values)]
    if len(x) < 40:
        return
    steps = {lag: float(np.median(np.abs(x[lag:] - x[:-lag]))) for lag in (1, 2, 3, 4)}
    lag = min((2, 3, 4), key=lambda k: steps[k])
    if steps[1] > MIXED * steps[lag]:
        raise DataError(
            f"{channel.source}: the samples of {channel.name} take turns between levels: each "
            f"differs by {steps[1]:.3g} from the next one, but by {steps[lag]:.3g} from the one "
            f"{lag} later, as if {lag} lights shared the channel. Make a column or channel of each "
            "light, or name the column that says which light was on (--photometry.state). If it is "
            "one light, give --photometry.state None."
        )
