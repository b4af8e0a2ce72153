"""What is done with each damaged file: all that a user could do with it."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp

from accumbens.cli import main
from accumbens.errors import AccumbensError
from accumbens.io.contents import inspect_file
from accumbens.io.models import load_model
from accumbens.io.nwb.channels import read_nwb_channels
from accumbens.io.nwb.format import NwbFormat
from accumbens.io.nwb.trials import read_nwb
from accumbens.io.photometry.files import read_recording
from accumbens.io.spikes.files import read_units
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.trials import from_table, to_table
from accumbens.recordings import ClockConfig, settle_clock
from accumbens.run.credit.config import CreditConfig
from accumbens.run.fit.config import FitConfig
from accumbens.run.fit.folder import load_run
from accumbens.run.fit.notices import check_fitted, check_sizes, notices
from accumbens.run.fit.pipeline import make_split
from accumbens.run.kinds import load_result
from accumbens.run.selectivity.config import SelectivityConfig
from accumbens.run.toml import read_toml
from accumbens.scoring.splits import apply_split

TABLE = TableFormat(outcome=("reward", "tone"), signal=("da",), context=("cue",))


def tried(*reads: Callable[[], object]) -> str:
    """How each ended, in a letter: read, or refused by an error of ours; others pass through."""
    ends = ""
    for read in reads:
        try:
            read()
            ends += "r"
        except AccumbensError as error:
            if len(str(error)) <= 20:
                raise AssertionError(f"an error that says nothing: {error!r}") from error
            ends += "e"
    return ends


def said(*words: str) -> None:
    """A command, whose output is dropped. Raises as the package does where it ends in an error."""
    err = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err):
        try:
            main(list(words))
        except SystemExit as end:
            if end.code != 2 or not err.getvalue().startswith("Error: "):
                raise AssertionError(f"code {end.code}: {err.getvalue()[-300:]}") from end
            raise AccumbensError(err.getvalue()) from None


def read_table_like(path: Path) -> str:
    def fitted():
        trials = from_table(path, TABLE)
        to_table(trials)
        check_sizes(trials)
        split = make_split(trials, FitConfig().split, 0)
        check_fitted(apply_split(split, trials)[0])
        notices(trials, split)

    return tried(lambda: inspect_file(path), fitted, lambda: said("inspect", str(path)))


def read_recording_like(path: Path) -> str:
    def channels():
        for channel in read_recording(path).channels.values():
            settle_clock(channel, ClockConfig())

    return tried(lambda: inspect_file(path), channels, lambda: read_units(path),
                 lambda: said("inspect", str(path)))  # fmt: skip


def read_nwb_like(path: Path) -> str:
    format = NwbFormat(choice="choice", outcome=("reward",))

    def channels():
        for channel in read_nwb_channels(path).values():
            settle_clock(channel, ClockConfig())

    return tried(lambda: read_nwb(path, format), lambda: inspect_file(path),
                 lambda: read_units(path), channels)  # fmt: skip


def read_model_like(folder: Path) -> str:
    def used(stem: Path):
        model = load_model(stem)
        state = model.initial_state(jnp.asarray(0))
        assert jnp.isfinite(model.choice_logits(state)).all(), "a model gives no probabilities"

    stems = sorted({p.with_suffix("") for p in folder.iterdir()})
    return tried(*(lambda s=stem: used(s) for stem in stems))


def read_options_like(path: Path) -> str:
    kinds = (FitConfig, CreditConfig, SelectivityConfig)
    return tried(*(lambda k=kind: read_toml(k, path) for kind in kinds))


def read_result_like(path: Path) -> str:
    def whole():
        run = load_run(path)
        repr(run)
        for name in run.model_names:
            run.model(name)
        run.predictions()
        run.history()

    def stored():
        found = load_result(path)
        repr(found)
        for name in getattr(found, "tables", ()):
            found.table(name)

    return tried(lambda: said("show", str(path)), stored, whole)


READING: dict[str, Callable[[Path], str]] = {
    "tables": read_table_like, "spikes": read_recording_like, "traces": read_recording_like,
    "recordings": read_nwb_like, "models": read_model_like, "options": read_options_like,
    "results": read_result_like,
}  # fmt: skip
"""How the files of each kind are read."""
