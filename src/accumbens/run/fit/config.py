"""Every choice that a user makes about a fit: one tree that is API, TOML file and command line."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
import typing
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import arg

from ...errors import ConfigError
from ...fit.disrnn.candidates import SelectionConfig
from ...fit.disrnn.penalty_path import PenaltyPathConfig
from ...fit.disrnn.recipe import RecipeConfig
from ...fit.gru import GRUConfig
from ...io.tables.format import TableFormat
from ...models.catalogue import find_fit, named_fits


def _models_hint(default: str) -> str:
    return f"(any of {', '.join(named_fits())}; default: {default})"


@dataclasses.dataclass(frozen=True)
class SplitConfig:
    """Which sessions are held out. Sessions are ordered by subject, then by session."""

    every: int = 2
    """Hold out every n-th session: 2 fits the first, third, fifth, ... and scores the others.
    0 holds out none (as with a single session): scores are then those of the fitted sessions."""
    test_sessions: tuple[str, ...] = ()
    """Hold out these sessions instead, each as subject/session."""
    folds: int = 0
    """Hold out one of this many folds within each subject instead; 0 for none."""
    fold: int = 0
    """With folds: which fold to hold out, from 0."""


@dataclasses.dataclass(frozen=True)
class FitConfig:
    """A whole fit: table, held-out sessions, models and how each is trained."""

    table: Annotated[TableFormat, arg(name="")] = dataclasses.field(default_factory=TableFormat)
    """Columns of the table."""
    split: SplitConfig = dataclasses.field(default_factory=SplitConfig)
    """Which sessions are held out."""
    recipe: Annotated[RecipeConfig, arg(name="")] = dataclasses.field(default_factory=RecipeConfig)
    """How the disRNN is fitted."""
    selection: SelectionConfig = dataclasses.field(default_factory=SelectionConfig)
    """What is chosen inside the training sessions, where no penalties are given."""
    path: PenaltyPathConfig = dataclasses.field(default_factory=PenaltyPathConfig)
    """Search for the strength of the penalties."""
    gru: GRUConfig = dataclasses.field(default_factory=GRUConfig)
    """How the GRU is fitted, where it is among the models."""
    models: Annotated[
        tuple[str, ...], arg(metavar="MODEL [MODEL ...]", help_behavior_hint=_models_hint)
    ] = ("disrnn", "dfq_choice", "dfq_signal", "naive")
    """Models to fit and compare, by name or as figures print them."""
    signal_scale: Literal["all", "none"] = "all"
    """Standardise each signal over all sessions (mean 0, variance 1), or leave it in its unit."""
    seed: int = 0
    """Seed of all randomness."""
    seeds: int = 4
    """With penalties of your own: how many disRNNs to fit, from different starts; the one with the
    lowest loss is kept. Otherwise see selection.starts."""
    resamples: int = 2000
    """Bootstrap resamples of sessions behind each 95 % interval."""

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise ConfigError(f"seeds is {self.seeds}; it must be at least 1.")
        if self.resamples < 1:
            raise ConfigError(f"resamples is {self.resamples}; it must be at least 1.")
        if not self.models:
            raise ConfigError("models is empty; name at least one.")
        names = dict.fromkeys(find_fit(text).name for text in self.models)
        object.__setattr__(self, "models", tuple(names))  # as the catalogue spells them


def read_config(path: Path) -> FitConfig:
    """The configuration in a TOML file; what it leaves out keeps its default.

    Raises ConfigError naming file, key and near matches for unknown keys and values of wrong type.
    """
    try:
        values = tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"Cannot read the configuration {path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not a TOML file: {error}.") from error
    values.pop("about", None)
    return _built(FitConfig, _of_this_version(values), "", path)


def _of_this_version(values: dict[str, Any]) -> dict[str, Any]:
    """The values without what earlier versions wrote and no version used.

    0.1.0: the bottlenecks' learning rate of the GRU's training; a GRU has no bottlenecks.
    """
    stage = values.get("gru", {}).get("stage", {}) if isinstance(values.get("gru"), dict) else {}
    if isinstance(stage, dict):
        stage.pop("bottleneck_rate", None)
    return values


def config_as_dict(config: Any) -> dict[str, Any]:
    """The tree as nested dictionaries for TOML, where None is written as an empty string."""

    def plain(value: Any) -> Any:
        if dataclasses.is_dataclass(value):
            return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        if isinstance(value, tuple):
            return [plain(v) for v in value]
        if isinstance(value, Path):
            return str(value)
        return "" if value is None else value

    return plain(config)


def _built(kind: type, values: dict[str, Any], where: str, path: Path) -> Any:
    hints = typing.get_type_hints(kind)
    known = {f.name for f in dataclasses.fields(kind)}
    given = {}
    for key, value in values.items():
        name = key.replace("-", "_")
        full = f"{where}{name}"
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            advice = f" Did you mean {near[0]}?" if near else f" Known: {', '.join(sorted(known))}."
            raise ConfigError(f"{path}: unknown option {full}.{advice}")
        given[name] = _value(hints[name], value, full, path)
    try:
        return kind(**given)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _value(hint: Any, value: Any, full: str, path: Path) -> Any:
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise ConfigError(f"{path}: {full} must be a table, such as [{full}].")
        return _built(hint, value, f"{full}.", path)  # type: ignore[arg-type]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        if not isinstance(value, list):
            raise ConfigError(f"{path}: {full} must be a list, such as {full} = [...].")
        return tuple(_value(arguments[0], v, full, path) for v in value)
    if origin in (typing.Union, types.UnionType):
        if type(None) in arguments and value == "":
            return None
        allowed = tuple(a for a in arguments if a is not type(None))
    elif origin is Literal:
        if value not in arguments:
            raise ConfigError(
                f"{path}: {full} is {value!r}; choose one of {', '.join(map(str, arguments))}."
            )
        return value
    else:
        allowed = (hint,)
    if float in allowed and isinstance(value, int) and not isinstance(value, bool):
        return value if int in allowed else float(value)
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        names = " or ".join(t.__name__ for t in allowed)
        raise ConfigError(f"{path}: {full} is {value!r}; it must be of type {names}.")
    return value
