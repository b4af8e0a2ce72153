"""Units that respond to the controllable reward, the distractor, both or neither, simulated.

python examples/06_units_that_respond.py units

A mouse of mixed credit assignment in the distractor-rewards task, 800 trials, and 140 units of four
regions whose rates drift. Writes units/trials.parquet, a column a unit, and units/regions.csv; what
each unit does is in units/truth.csv. Then: accumbens selectivity (docs/recordings.md, section 6).
"""

import sys
from pathlib import Path

import jax
import numpy as np
import pandas as pd

import accumbens
from accumbens.io import write_table

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(0)
agent = accumbens.StructureMixture(
    learning_rate=0.3, inverse_temperature=3.0, structure_weight=0.5, gain=1.0, offset=0.0
)
trials = accumbens.simulate(
    agent, accumbens.DistractorRewards(), n_sessions=1, n_trials=800, key=jax.random.key(0)
)

# units of each region, and the shares of them that respond to the controllable and the distractor
regions = {"ACA": (40, 0.25, 0.1), "MOs": (50, 0.1, 0.05), "ORBl": (30, 0.4, 0.3),
           "ACB": (20, 0.5, 0.5)}  # fmt: skip
units, rates = [], []
for region, (n, *shares) in regions.items():
    for _ in range(n):
        baseline = rng.lognormal(1.6, 0.7)  # spikes/s
        effects = [rng.normal(0, 0.35 * baseline) if rng.random() < s else 0.0 for s in shares]
        drift = np.cumsum(rng.normal(0, 0.02, 800))
        rate = baseline * np.exp(drift - drift.mean()) + trials.outcome[0] @ np.array(effects)
        rates.append(rng.poisson(np.clip(rate, 0, None)))
        units.append((f"unit_{len(units)}", region, *effects))

truth = pd.DataFrame(units, columns=pd.Index(["unit", "region", "controllable", "distractor"]))
signal = np.stack(rates, axis=-1)[None].astype(float)
write_table(
    accumbens.to_table(trials.with_signals(signal, tuple(truth["unit"]))), out / "trials.parquet"
)
write_table(truth[["unit", "region"]], out / "regions.csv")
write_table(truth, out / "truth.csv")
print(f"{len(units)} units of {len(regions)} regions: {out / 'trials.parquet'}")
