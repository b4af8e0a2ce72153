"""Kernels of several events: what each adds to a signal, with its standard error."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ...errors import ConfigError
from ...neural.events.event_kernels import EventKernels
from ..labels import printed, signal_label
from ..rows import column, pick
from ..style import BLACK, GREY, lay_out, panel_width, panels, share_heights, styled


class EventKernelsData(NamedTuple):
    """`rows`: event, signal, time (s), kernel, error; r2 and each event's own share of it."""

    rows: pd.DataFrame
    signal: str
    events: tuple[str, ...]
    r2: float
    unique: tuple[float, ...]
    unit: str
    caption: str

    def table(self) -> pd.DataFrame:
        return self.rows


def event_kernels_data(
    fit: EventKernels, signal: str | None = None, unit: str = "", caption: str = ""
) -> EventKernelsData:
    """The kernels of one signal, by default the first. Raises ConfigError if it is unknown."""
    signal = fit.signals[0] if signal is None else signal
    if signal not in fit.signals:
        raise ConfigError(
            f"There is no signal {signal!r}; the signals are {', '.join(fit.signals)}."
        )
    s = fit.signals.index(signal)
    unique = tuple(float(value) for value in fit.unique[:, s])
    rows = pick(fit.to_frame(), signal=signal)
    return EventKernelsData(rows, signal, fit.events, float(fit.r2[s]), unique, unit, caption)


@styled
def draw_event_kernels(data: EventKernelsData, fig: Figure) -> None:
    """A panel an event, on one scale; bands are two standard errors either way."""
    lay_out(
        fig, panel_width(min(len(data.events), 3)), 12 + 46 * (-(-len(data.events) // 3)),
        f"{signal_label(data.signal)}: {100 * data.r2:.1f} % of the variance of held-out blocks; "
        f"in brackets, what is lost without the event. Bands: 2 standard errors. {data.caption}",
    )  # fmt: skip
    axes = panels(fig, len(data.events), 3)
    for k, (ax, event) in enumerate(zip(axes, data.events, strict=True)):
        here = pick(data.rows, event=event)
        time, kernel, error = (column(here, name) for name in ("time", "kernel", "standard_error"))
        ax.fill_between(time, kernel - 2 * error, kernel + 2 * error, color=GREY, alpha=0.35,
                        linewidth=0)  # fmt: skip
        ax.plot(time, kernel, color=BLACK)
        ax.axhline(0, color=GREY, linewidth=0.5, zorder=0)
        ax.axvline(0, color=BLACK, linewidth=0.7, linestyle=(0, (3, 2)))
        share = f"({100 * data.unique[k]:.1f} %)".replace("-", "−")
        ax.set_title(f"{printed(event.replace('_', ' '))} {share}")
        ax.set_xlabel("time from event (s)")
        ax.set_xlim(float(np.min(time)), float(np.max(time)))
        if k % 3 == 0:
            ax.set_ylabel(printed(f"effect ({data.unit})" if data.unit else "effect"))
    share_heights(axes)
