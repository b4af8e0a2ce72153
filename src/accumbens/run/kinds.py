"""The list of kinds of result: how each is recognised, its configuration, what loads and shows it.

`accumbens show` and whoever reads stored results read this list: a new kind is an entry here,
beside the files that make it. What is named by its place is imported when it is asked for.
"""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import Any

from ..errors import ConfigError, DataError
from ..lazy import at_place


@dataclasses.dataclass(frozen=True)
class RunKind:
    """A kind of result.

    Attributes:
        name: as `about.kind` of its config.toml says.
        command: what makes it.
        holds: what `accumbens show` prints of it, for the help.
        load: place in `run` of `path -> result`.
        show: place in `cli` of `(output, path) -> None`.
        config: place in `run` of the class of its options; None where it keeps none.
        mark: the file by which a folder without config.toml is recognised, or the ending of a
            file that is the result itself.
    """

    name: str
    command: str
    holds: str
    load: str
    show: str
    config: str | None = None
    mark: str = ""

    @property
    def config_class(self) -> Any:
        """The class of its options; None where it keeps none."""
        return None if self.config is None else at_place(self.config, __package__)


KINDS: tuple[RunKind, ...] = (
    RunKind("fit", "accumbens fit", "Table 1, bottlenecks and seeds", "fit.folder:load_run",
            "printing:print_saved_fit", "fit.config:FitConfig"),
    RunKind("predict", "accumbens predict", "scores on new sessions", "stored:load_analysis",
            "predict:print_saved_predictions", "predict.config:PredictConfig"),
    RunKind("credit", "accumbens credit", "indices and p-values", "stored:load_analysis",
            "credit:print_saved_credit", "credit.config:CreditConfig"),
    RunKind("selectivity", "accumbens selectivity", "units and regions", "stored:load_analysis",
            "selectivity:print_saved_selectivity", "selectivity.config:SelectivityConfig"),
    RunKind("power", "accumbens power", "power by mice and sessions", "stored:load_power",
            "power:print_saved_power", mark="power.csv"),
    RunKind("sweep", "accumbens sweep", "how far it has come", "sweep.sweeping:load_sweep",
            "sweep:print_saved_sweep", mark="sweep.json"),
    RunKind("card", "accumbens card", "what many fits agree on", "stored:load_analysis",
            "card:print_saved_card", "card.config:CardConfig"),
    RunKind("convert", "accumbens convert", "sessions and recordings that were read",
            "convert.record:read_record", "convert:print_saved_record", mark=".convert.json"),
)  # fmt: skip
"""All kinds; a config.toml that names none is of the first, as version 0.1.0 wrote fits."""


def kind_of(path: str | Path) -> RunKind:
    """The kind of result in a folder or file.

    Raises:
        DataError: there is none, or a later version of the package made it.
    """
    path = Path(path)
    if path.is_file():
        found = next((k for k in KINDS if k.mark and path.name.endswith(k.mark)), None)
        if found is not None:
            return found
        raise DataError(
            f"{path} is a file, and no result of accumbens. Name a run folder, or the record of a "
            "conversion (TABLE.convert.json)."
        )
    if (path / "config.toml").is_file():
        return _named(path)
    found = next((k for k in KINDS if k.mark and (path / k.mark).is_file()), None)
    if found is not None:
        return found
    inside = sorted(p.parent.name for p in path.glob("*/config.toml"))
    hint = f" There is one in {path / inside[0]}." if inside else ""
    makers = ", ".join(kind.command for kind in KINDS if kind.config)
    raise DataError(
        f"{path} is not a run folder: it has no config.toml. Name a folder that one of {makers} "
        f"wrote.{hint}"
    )


def refuse_used(path: str | Path, kind: str) -> None:
    """Checks that a folder holds no result; what a stopped analysis of this kind left is none.

    Args:
        path: of the folder.
        kind: of the analysis that is to be written there; it writes `metrics.json` last.

    Raises:
        ConfigError: there is a result, or an unfinished fit.
    """
    folder = Path(path)
    if not (folder / "config.toml").exists():
        return
    if (folder / "metrics.json").exists() or kind_of(folder).name != kind:
        raise ConfigError(f"{path} already holds a run. Choose another folder, or delete it.")


def load_result(path: str | Path) -> Any:
    """Loads what any command of `accumbens` wrote.

    Args:
        path: run folder, or the record of a conversion (`<table>.convert.json`).

    Returns:
        A `Run` of a fit, a `Sweep`, a `StoredAnalysis` of credit or selectivity, the table of a
        power analysis as a DataFrame, or the record of a conversion as a dictionary.

    Raises:
        DataError: there is no result, or it is not finished.
    """
    return at_place(kind_of(path).load, __package__)(Path(path))


def what_is_shown() -> str:
    """The kinds of result and what is shown of each, for the help."""
    return "; ".join(f"{kind.holds} of {kind.name}" for kind in KINDS)


def _named(path: Path) -> RunKind:
    try:
        text = (path / "config.toml").read_text(encoding="utf-8")
        name = tomllib.loads(text).get("about", {}).get("kind", KINDS[0].name)
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path / 'config.toml'} cannot be read ({error}). Run the analysis again."
        ) from error
    found = next((kind for kind in KINDS if kind.name == name), None)
    if found is None:
        raise DataError(
            f"{path} holds a result of the kind {name!r}, which this version does not know; it "
            f"knows {', '.join(kind.name for kind in KINDS)}. Use the version that made it."
        )
    return found
