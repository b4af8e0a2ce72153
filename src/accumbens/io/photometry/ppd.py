"""pyPhotometry files (`.ppd`): what their header says about the layout of the samples."""

from __future__ import annotations

import json
import math
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...errors import DataError
from ...recordings import Channel
from .recording import Recording

ON_AND_OFF_SINCE: tuple[int, int] = (1, 1)
"""From this version, pulsed recordings hold each channel with its LED on, then with it off."""

NEWEST: int = 1
"""First number of the newest version whose layout is known."""

MAX_CHANNELS = 16


class Layout(NamedTuple):
    """How the 16-bit words of a file follow each other.

    Attributes:
        rate: samples of each channel per second.
        volts: of one division, of each channel.
        n_analog, n_digital: numbers of channels and of digital lines.
        words: words of each channel and sample: 1, or 2 where the LED is on, then off.
    """

    rate: float
    volts: tuple[float, ...]
    n_analog: int
    n_digital: int
    words: int


def read_ppd(path: str | os.PathLike[str]) -> Recording:
    """Reads a pyPhotometry file.

    The file has the length of the header (2 bytes), the header as JSON, and words of 16 bits that
    alternate between the analog channels; the lowest bit of each word is a digital line. Files of
    pulsed recordings have since version 1.1 two words for each channel and sample, one with the LED
    on and one with it off: the channel is their difference. Earlier versions subtracted them
    before they wrote the file.

    Returns:
        The recording, with channels `analog_1`, `analog_2`, ... in V, and the rising edges of the
        digital lines as events.

    Raises:
        DataError: the file is missing or damaged, or its header gives a version or mode whose
            layout is not known.

    Source:
        pyPhotometry, Akam & Walton (2019), Sci Rep 9:3521; the layout of version 1.1 from its
        own import code.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}. Check the path.") from error
    header, body = _header(path, data)
    layout = _layout(path, header)
    in_row = layout.n_analog * layout.words
    if len(body) % (2 * in_row) or not body:
        each = f" of {layout.words} words each" if layout.words > 1 else ""
        raise DataError(
            f"Cannot read {path}: its {len(body):,} bytes of samples are not a whole number of "
            f"samples of {layout.n_analog} channels{each}, so the file is cut short. Copy it again."
        )
    raw = np.frombuffer(body, "<u2").reshape(-1, layout.n_analog, layout.words)
    counts = (raw >> 1).astype(np.float64)
    values = counts[:, :, 0] - (counts[:, :, 1] if layout.words == 2 else 0.0)
    channels, events = {}, {}
    for i in range(layout.n_analog):
        volts = layout.volts[min(i, len(layout.volts) - 1)]
        name = f"analog_{i + 1}"
        channels[name] = Channel(name, values[:, i] * volts, None, 0.0, layout.rate, "V", str(path))
    for i in range(layout.n_digital):
        line = (raw[:, i, 0] & 1).astype(np.int8)
        events[f"digital_{i + 1}"] = (np.flatnonzero(np.diff(line) == 1) + 1) / layout.rate
    return Recording(path, channels, events, header)


def _header(path: Path, data: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(data[:2], "little")
    try:
        header = json.loads(data[2 : 2 + length].decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"Cannot read {path}: it does not begin with the header of a pyPhotometry file "
            f"({len(data):,} bytes). Name a .ppd file, or copy it again."
        ) from error
    if len(data) < 2 + length or not isinstance(header, dict):
        raise DataError(f"Cannot read {path}: its header is cut short. Copy it again.")
    return header, data[2 + length :]


def _layout(path: Path, header: dict[str, Any]) -> Layout:
    try:
        rate = float(header["sampling_rate"])
        volts = tuple(float(v) for v in header["volts_per_division"])
        n_analog = int(header.get("n_analog_signals", 2))
        n_digital = int(header.get("n_digital_signals", 2))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"Cannot read {path}: sampling_rate or volts_per_division are missing in its header, "
            f"or not numbers ({type(error).__name__}: {str(error)[:100]}). Export it again with "
            "pyPhotometry."
        ) from error
    known = 0 < rate < 1e7 and 0 < n_analog <= MAX_CHANNELS and 0 <= n_digital <= n_analog
    if not (known and volts and all(math.isfinite(v) and v > 0 for v in volts)):
        raise DataError(
            f"Cannot read {path}: its header gives {n_analog} analog and {n_digital} digital "
            f"signals at {rate:g} Hz and {', '.join(f'{v:g}' for v in volts[:4]) or 'no'} V per "
            "division, which is impossible. Export it again with pyPhotometry."
        )
    return Layout(rate, volts, n_analog, n_digital, _words(path, header))


def _words(path: Path, header: dict[str, Any]) -> int:
    """Words of each channel and sample, by the version and the mode that the header gives."""
    version, mode = header.get("version"), str(header.get("mode") or "").casefold()
    pulsed = "pulsed" in mode or "time div" in mode
    told = pulsed or "continuous" in mode
    if version is None and "pulsed" not in mode and (told or not mode):
        return 1  # the first versions gave none, and had no modes with other layouts
    number = re.match(r"v?(\d{1,4})(?:\.(\d{1,4}))?(?![\d])", str(version).strip())
    since = (int(number[1]), int(number[2] or 0)) if number else (NEWEST + 1, 0)
    old = since < ON_AND_OFF_SINCE
    if since[0] > NEWEST or not (told or (old and not mode)):
        raise DataError(
            f"Cannot read {path}: it is of version {version} and mode {header.get('mode')!r} of "
            "pyPhotometry. How the samples of such a file follow each other is not known here: "
            f"versions up to {NEWEST}, with modes named continuous, pulsed or time div., are. "
            "Export it with pyPhotometry's own import code, as a table with a column of times."
        )
    return 2 if pulsed and not old else 1
