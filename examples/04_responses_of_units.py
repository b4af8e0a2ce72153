"""Responses of single units to reward and its absence, and how much each event explains.

python examples/04_responses_of_units.py ../shared/data responses
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import accumbens
from accumbens.figures import draw_population, draw_raster, population_data, raster_data
from accumbens.figures import save_figure as save
from accumbens.neural import (
    EventKernelConfig,
    ResponseConfig,
    bin_spikes,
    fit_event_kernels,
    unit_responses,
)

data, out = Path(sys.argv[1]), Path(sys.argv[2])

# four units of a rat, around its movement to the reward port
units = accumbens.io.read_units(data / "rat_units_spikes.npz")
trials = pd.read_csv(data / "rat_units_trials.csv")
moves = trials["movement_s"].to_numpy(float)
outcome = np.where(trials["reward"] == 1, "rewarded", "unrewarded").tolist()
config = ResponseConfig((-1.5, 4.0), 0.05, smooth=0.05)
rasters = raster_data(
    units, moves, "movement to the port", outcome, config=config, caption="One session of one rat."
)
figure = Figure()
draw_raster(rasters, figure)
print(save(figure, out / "rasters", rasters))

# what each event explains; only 9 s of every 20 s were recorded
starts = trials["stimulus_start_s"].to_numpy(float)
recorded = np.column_stack([starts - 2.0, starts + 5.5])
kernels = EventKernelConfig((-1.0, 3.0), 0.1)
events = {
    "stimulus": starts,
    "movement, rewarded": moves[trials["reward"] == 1],
    "movement, unrewarded": moves[trials["reward"] == 0],
}
fit = fit_event_kernels(bin_spikes(units, kernels, recorded), events, kernels)
table = pd.DataFrame(fit.unique.T, index=pd.Index(fit.signals, name="unit"), columns=fit.events)
print(table.assign(all=fit.r2).round(4).to_string())

# 289 clusters of a probe
units = accumbens.io.read_units(data / "probe_spikes.npz")
with np.load(data / "probe_spikes.npz") as arrays:
    at, group = arrays["event_times"].astype(float), arrays["event_groups"]
config = ResponseConfig((-2.0, 3.0), 0.1, smooth=0.1, baseline=(-2.0, 0.0))
responses = unit_responses(units, at, [f"group {g:.0f}" for g in group], config)
left_out = len(units) - len(responses.ids)
caption = (
    "One probe; rates in bins of 0.1 s, smoothed by a Gaussian of SD 0.1 s. "
    f"{left_out} units that fire less than 0.1 spikes/s are left out."
)
population = population_data(responses, "event", caption=caption)
figure = Figure()
draw_population(population, figure)
print(save(figure, out / "population", population))
