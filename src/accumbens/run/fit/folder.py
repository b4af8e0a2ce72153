"""A run on disk: every file of a run folder has its name here, and nowhere else.

config.toml           every option, versions, seed and the fingerprint of the data; its subjects,
                      choices and units of signals
split.json            which sessions were fitted and which held out
metrics.json          the numbers, bottlenecks and seconds
table1.csv|.md|.tex   the comparison
methods.md            the statistics in the words of a methods section
contrast.csv          which parameters differ between levels of a column, where one is named
leave_one_out.csv     each session, or animal, under models fitted without it, where asked for
predictions.parquet   one row a trial: choice probability, predicted signal, latent variables
history.parquet       every step of training
models/               parameters of every model (safetensors + JSON)
figures/              each figure as PNG and PDF, and the numbers behind it as CSV
made.json             when, where, by which command and how long it was made
checkpoints/          what unfinished training has reached; removed at the end
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ConfigError, DataError
from ...files import folder_for_results, make_folder, write_atomically
from ...io.models import load_model, save_model
from ...models.base import Model
from ...models.disrnn import DisRNN
from ...scoring.splits import Split
from ...summary import Summary, between, counted, listed, summarized
from ..provenance import versions
from ..stored import read_json
from ..toml import read_about, read_toml, write_toml
from .config import FitConfig

if TYPE_CHECKING:
    import pandas as pd


USED = "# Penalties that the disRNN was fitted with (in [recipe.penalties] they are used again):"


class RunFolder:
    """A run's folder; creating one creates the folder, writing one file never harms another."""

    def __init__(self, path: str | Path) -> None:
        self.path: Path = Path(path)
        self.config: Path = self.path / "config.toml"
        self.split: Path = self.path / "split.json"
        self.metrics: Path = self.path / "metrics.json"
        self.predictions: Path = self.path / "predictions.parquet"
        self.history: Path = self.path / "history.parquet"
        self.models: Path = self.path / "models"
        self.figures: Path = self.path / "figures"
        self.checkpoints: Path = self.path / "checkpoints"

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    @property
    def finished(self) -> bool:
        """Whether the run is finished; metrics.json is written last."""
        return self.metrics.is_file()

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Makes the folder and keeps it for this process. Raises ConfigError if another has it."""
        with folder_for_results(self.path, "run folder"):
            yield

    def begin(
        self, config: FitConfig, table: str, fingerprint: str, split: Split, known: dict[str, Any]
    ) -> None:
        """Creates the folder and writes what was asked for, before anything is fitted.

        known: what the models will know of the table, as `KnownData.as_tables` gives it.
        """
        for folder in (self.path, self.models, self.figures, self.checkpoints):
            make_folder(folder, "run folder")
        about = {"table": table, "fingerprint": fingerprint, "versions": versions()} | known
        write_atomically(self.split, split.to_json().encode())
        write_toml(self.config, config, about)  # last: it marks the folder as a run

    def about(self) -> dict[str, Any]:
        """Table, fingerprint and versions of the run. Raises DataError where it is no fit."""
        if not self.config.is_file():
            raise DataError(
                f"{self.path} is not a run folder: it has no config.toml. Name a folder that "
                "`accumbens fit ... --out` wrote."
            )
        about = read_about(self.config)
        if about.get("kind", "fit") != "fit":
            raise DataError(
                f"{self.path} holds a result of the kind {about['kind']}, and no fit. Name a "
                f"folder that `accumbens fit` wrote; accumbens show {self.path} prints this one."
            )
        if not all(isinstance(about.get(key), str) for key in ("table", "fingerprint")):
            raise DataError(
                f"{self.config} is damaged: it does not say which table was fitted. Copy the "
                "folder again, or fit again."
            )
        return about

    def read_split(self) -> Split:
        """Which sessions are fitted. Raises DataError where the file is missing or damaged."""
        try:
            return Split.from_json(self.split.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(
                f"{self.split} is missing or damaged ({type(error).__name__}: {error}). Copy the "
                "folder again, or fit again."
            ) from error

    def note_penalties(self, weights: Mapping[str, float]) -> None:
        """Says at the end of config.toml, in a comment, which penalties were used."""
        config = self.config.read_text()
        if USED in config:
            return
        lines = [USED, *(f"# {name} = {w:.4g}" for name, w in weights.items())]
        write_atomically(self.config, (config.rstrip() + "\n\n" + "\n".join(lines) + "\n").encode())

    def save_model(self, name: str, model: Model) -> None:
        save_model(model, self.models / name)

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        write_atomically(self.metrics, json.dumps(metrics, indent=1, allow_nan=False).encode())


@summarized
class Run:
    """A finished run, read from its folder: configuration, split, metrics and usable models.

    Raises DataError when the folder is not a run or the run is not finished.
    """

    def __init__(self, path: str | Path) -> None:
        self.folder: RunFolder = RunFolder(path)
        self.about: dict[str, Any] = self.folder.about()
        if not self.folder.finished:
            raise DataError(
                f"The run in {path} is not finished. Finish it: accumbens fit --resume {path}"
            )
        self.config: FitConfig = read_toml(FitConfig, self.folder.config)
        self.split: Split = self.folder.read_split()
        self.metrics: dict[str, Any] = read_json(self.folder.metrics)
        try:
            self.model_names: tuple[str, ...] = tuple(self.metrics["models"])
            self._summary()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"{self.folder.metrics} is damaged ({type(error).__name__}: {error}). Copy the "
                "folder again, or fit again."
            ) from error

    def _summary(self) -> Summary:
        data, models = self.metrics["data"], self.metrics["models"]
        title = (
            f"Run {self.folder.path}: {counted(len(models), 'model')}, "
            f"{counted(data['sessions_fitted'], 'session')} fitted, "
            f"{data['sessions_held_out']:,} held out ({data['split']})"
        )
        facts = [("table", self.about["table"])]
        if "open_latents" in self.metrics:
            facts.append(("open latents of the disRNN", listed(self.metrics["open_latents"])))
        signals = list(dict.fromkeys(s for model in models.values() for s in model["signal"]))
        heads = ["model", "normalized likelihood", *(f"{s} {m}" for s in signals for m in _METRICS)]
        rows = [[name, *_scores(model, signals)] for name, model in models.items()]
        return Summary(title, facts, [heads, *rows])

    def model(self, name: str = "disrnn") -> Any:
        """The fitted model of that name, ready to unroll, score or simulate."""
        if not (self.folder.models / f"{name}.json").is_file():
            raise DataError(
                f"This run has no model {name!r}; it has {', '.join(self.model_names)}."
            )
        return load_model(self.folder.models / name)

    @property
    def disrnn(self) -> DisRNN:
        return self.model("disrnn")

    def predictions(self) -> pd.DataFrame:
        """One row a trial, as a DataFrame. Raises DataError when the folder lacks the file."""
        return self._stored(self.folder.predictions)

    def history(self) -> pd.DataFrame:
        """Every step of training, as a DataFrame: model, seed, stage, step, term, value.

        Raises DataError when the folder lacks the file.
        """
        return self._stored(self.folder.history)

    @staticmethod
    def _stored(path: Path) -> pd.DataFrame:
        from ...io.tables.files import read_table

        if not path.is_file():
            raise DataError(
                f"This run has no {path.name} in its folder {path.parent}. Copy the whole folder, "
                "or fit again."
            )
        return read_table(path)


_METRICS = {"MSE": "mse", "R2": "r2"}


def _scores(model: dict[str, Any], signals: list[str]) -> list[str]:
    """What metrics.json says of one model, with intervals."""
    choice, cells = model["choice"], []
    for signal in signals:
        score = model["signal"].get(signal)
        for metric in _METRICS.values():
            known = (score[metric], *score[f"{metric}_interval"]) if score else (None, None, None)
            cells.append(between(*known))
    interval = choice["normalized_likelihood_interval"]
    return [between(choice["normalized_likelihood"], *interval), *cells]


def refuse_used(out: str | Path) -> None:
    """Raises ConfigError where the folder holds a run."""
    folder = RunFolder(out)
    if folder.config.is_file():
        what = (
            "a finished run: choose another folder"
            if folder.finished
            else f"an unfinished run: finish it with accumbens fit --resume {folder.path}"
        )
        raise ConfigError(f"{folder.path} already holds {what}, or delete it.")


def load_run(path: str | Path) -> Run:
    """The run in that folder. Raises DataError when there is none or it is not finished."""
    return Run(path)
