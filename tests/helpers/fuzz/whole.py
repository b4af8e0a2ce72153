"""Whole files of every kind, small, to be damaged."""

import contextlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.io import savemat

from accumbens.io.models import save_model
from accumbens.io.tables.trials import write_table
from accumbens.models.dfq import DFQ
from helpers.nwb_files import write_nwb
from helpers.table import MODELS

FIXTURES = Path(__file__).parents[2] / "fixtures"
CUES = 5 + 2.0 * np.arange(25)


def trials(rng: np.random.Generator) -> pd.DataFrame:
    """Two sessions of one animal, with a signal and times of an event."""
    columns = {
        "subject": "M1", "session": np.repeat(["d1", "d2"], 25), "trial": np.tile(np.arange(25), 2),
        "choice": rng.integers(0, 2, 50), "reward": rng.integers(0, 2, 50),
        "tone": rng.integers(0, 2, 50), "da": rng.normal(size=50), "cue": np.tile(CUES, 2),
    }  # fmt: skip
    return pd.DataFrame(columns)


def tables(folder: Path, rng: np.random.Generator) -> None:
    """The same trials in every format of a table."""
    frame = trials(rng)
    for ending in (".csv", ".tsv", ".csv.gz", ".parquet"):
        write_table(frame, folder / f"trials{ending}")
    frame.to_csv(folder / "trials.txt", sep="\t", index=False)
    frame.to_excel(folder / "trials.xlsx", index=False)
    columns = {name: frame[name].to_numpy() for name in frame if name not in ("subject", "session")}
    savemat(folder / "trials.mat", {"t": columns | {"session": np.repeat([1.0, 2.0], 25)}})


def spikes(folder: Path, rng: np.random.Generator) -> None:
    """Arrays of spikes, and a folder of Phy."""
    times, clusters = np.sort(rng.uniform(0, 60, 200)), rng.integers(0, 3, 200)
    np.savez(folder / "spikes.npz", spike_times=times, spike_clusters=clusters)
    phy = folder / "phy"
    phy.mkdir()
    np.save(phy / "spike_times.npy", (times * 1000).astype(np.int64))
    np.save(phy / "spike_clusters.npy", clusters)
    (phy / "params.py").write_text("dat_path = 'a.dat'\nsample_rate = 1000.\n")
    (phy / "cluster_group.tsv").write_text("cluster_id\tgroup\n0\tgood\n1\tgood\n2\tnoise\n")


def traces(folder: Path, rng: np.random.Generator) -> None:
    """Photometry as a table, with lights in turn, and as a file of pyPhotometry."""
    t = np.arange(0, 60, 0.1)
    pd.DataFrame({"time": t, "green": rng.normal(1, 0.1, t.size)}).to_csv(
        folder / "trace.csv", index=False
    )
    lights = {"Timestamp": t, "LedState": np.tile([1, 2], t.size // 2), "R0": rng.normal(size=600)}
    pd.DataFrame(lights).to_csv(folder / "lights.csv", index=False)
    header = {"sampling_rate": 130, "volts_per_division": [1e-4, 1e-4], "version": 0.2}
    text = json.dumps(header).encode()
    samples = rng.integers(0, 2**15, 800).astype("<u2").tobytes()
    (folder / "trace.ppd").write_bytes(len(text).to_bytes(2, "little") + text + samples)


def models(folder: Path, rng: np.random.Generator) -> None:
    """Saved models, of this version and of 0.1.0."""
    save_model(DFQ(0.4, 0.2, 2.0, 0.5), folder / "dfq")
    for name in ("disrnn", "gru", "history", "naive"):
        save_model(MODELS[name].model, folder / name)
    shutil.copytree(FIXTURES / "models_0_1_0", folder / "old")
    (folder / "old" / "expected.json").unlink()


def results(folder: Path, rng: np.random.Generator) -> None:
    """Run folders: of 0.1.0, of a fit, of an analysis of credit; and a record of a conversion."""
    shutil.copytree(FIXTURES / "run_0_1_0", folder / "old")
    table = folder.parent / "of_results.csv"
    write_table(trials(rng), table)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        _commands(folder, table)
    for path in (*folder.rglob("*.png"), *folder.rglob("*.pdf")):
        path.unlink()


def _commands(folder: Path, table: Path) -> None:
    from accumbens.cli import main

    main(["fit", str(table), "--signal", "da", "--models", "naive", "bias", "--resamples", "20",
          "--out", str(folder / "fit")])  # fmt: skip
    main(["credit", str(table), "--controllable", "reward", "--distractor", "tone", "--lags", "1",
          "--resamples", "20", "--out", str(folder / "credit")])  # fmt: skip
    main(["convert", str(table), "--out", str(folder / "converted.csv")])


def options(folder: Path, rng: np.random.Generator) -> None:
    """Files of options, of this version and of 0.1.0."""
    shutil.copytree(FIXTURES / "configs_0_1_0", folder, dirs_exist_ok=True)
    (folder / "mine.toml").write_text(
        "seed = 3\nseeds = 2\n[table]\nsignal = ['da']\n[choice-stage]\nsteps = 9\n"
    )


def recordings(folder: Path, rng: np.random.Generator) -> None:
    """A small NWB file with trials, a series and units, as HDF5 and as Zarr."""
    columns = {"choice": rng.integers(0, 2, 20), "reward": rng.integers(0, 2, 20)}
    series = [("G", rng.normal(size=100), np.arange(100) / 20)]
    units = [(np.sort(rng.uniform(0, 5, 30)), "M2"), (np.array([1.0, 2.0]), "NAc")]
    for name in ("whole.nwb", "whole.nwb.zarr"):
        write_nwb(folder / name, columns, series, units)


WHOLE: dict[str, Callable[[Path, np.random.Generator], None]] = {
    "tables": tables, "spikes": spikes, "traces": traces, "recordings": recordings,
    "models": models, "options": options, "results": results,
}  # fmt: skip
"""What makes the whole files of each kind, in a folder."""
