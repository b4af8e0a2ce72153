"""The plan of a sweep: which cells there are, each with all that makes it what it is.

sweep.json lists them; a cell's folder below cells/ is an ordinary run folder, with cell.json beside
its files (see `cell`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import ConfigError, DataError
from ...files import write_atomically
from ..fit.config import FitConfig
from ..options import build, options_of
from ..stored import read_json
from ..values import from_toml, to_toml
from .axes import Axis, combinations, text_of

PLAN, CELLS, FORMAT = "sweep.json", "cells", 1
LONGEST = 80
"""Characters of a folder's name that values may take."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """One fit of a sweep.

    Attributes:
        name: of its folder.
        hash: SHA-256 of its options.
        varied: the varied options by the user's names, as TOML values.
        options: all options that differ from the defaults of a fit, by key, as TOML values.
    """

    name: str
    hash: str
    varied: dict[str, Any]
    options: dict[str, Any]

    @property
    def config(self) -> FitConfig:
        """All its options. Raises ConfigError where this version of the package refuses one."""
        return config_of(self.options)


@dataclasses.dataclass(frozen=True)
class Plan:
    """All cells of a sweep.

    Attributes:
        table: path of the table that all of them fit.
        fingerprint: of the trials that the options common to all cells read from it.
        base: the options common to all cells that differ from the defaults, by key.
        cells: in order.
        versions: of the packages with which the sweep was begun.
    """

    table: str
    fingerprint: str
    base: dict[str, Any]
    cells: tuple[Cell, ...]
    versions: dict[str, str]

    def cell(self, name: str) -> Cell:
        """The cell of that name. Raises DataError where there is none."""
        found = next((cell for cell in self.cells if cell.name == name), None)
        if found is None:
            raise DataError(f"The sweep has no cell {name!r}; sweep.json lists those that it has.")
        return found

    def with_cells_of(self, other: Plan) -> Plan:
        """The plan with the cells of another one of the same table and options after its own."""
        known = {cell.hash for cell in self.cells}
        new = tuple(cell for cell in other.cells if cell.hash not in known)
        return dataclasses.replace(self, cells=(*self.cells, *new))


def options_given(config: FitConfig) -> dict[str, Any]:
    """The options that differ from the defaults, by key, as TOML values."""
    given = {}
    for option in options_of(FitConfig):
        value: Any = config
        for name in option.place:
            value = getattr(value, name)
        if value != option.default:
            given[option.key] = to_toml(value)
    return given


def config_of(options: Mapping[str, Any]) -> FitConfig:
    """The inverse of `options_given`. Raises ConfigError for an option that is not known."""
    known = {option.key: option for option in options_of(FitConfig)}
    unknown = next((key for key in options if key not in known), None)
    if unknown is not None:
        raise ConfigError(
            f"This version of accumbens knows no option {unknown}. Use the version that began the "
            "sweep; sweep.json says which."
        )
    return build(FitConfig, {known[k].place: from_toml(known[k], v) for k, v in options.items()})


def cells_of(config: FitConfig, axes: tuple[Axis, ...]) -> tuple[Cell, ...]:
    """A cell for every combination of the varied values, all else as in `config`.

    Raises:
        ConfigError: an option of a cell does not suit; says in which cell.
    """
    base, cells = options_given(config), []
    for values in combinations(axes):
        varied = {axis.name: to_toml(v) for axis, v in zip(axes, values, strict=True)}
        given = {axis.option.key: to_toml(v) for axis, v in zip(axes, values, strict=True)}
        said = [f"{axis.name}={text_of(v)}" for axis, v in zip(axes, values, strict=True)]
        try:
            options = options_given(config_of(base | given))
        except ConfigError as error:
            raise ConfigError(f"The cell {', '.join(said)}: {error}") from error
        digest = hash_of(options)
        cells.append(Cell(_folder_name(said, digest), digest, varied, options))
    return tuple(cells)


def hash_of(options: Mapping[str, Any]) -> str:
    """SHA-256 of options, whatever their order; an option at its default adds nothing."""
    return hashlib.sha256(json.dumps(dict(options), sort_keys=True).encode()).hexdigest()


def _folder_name(said: list[str], digest: str) -> str:
    """`seed=3,penalties.factor=0.3-1f00ba52`, of characters that no system and no shell minds."""
    text = re.sub(r"[^A-Za-z0-9._=,+-]", "_", ",".join(said))[:LONGEST]
    return f"{text}-{digest[:8]}"


def write_plan(folder: Path, plan: Plan) -> None:
    """Writes sweep.json, whole."""
    content = {"format": FORMAT, **dataclasses.asdict(plan)}
    write_atomically(folder / PLAN, json.dumps(content, indent=1).encode())


def read_plan(folder: Path) -> Plan:
    """The plan of the sweep in a folder. Raises DataError where there is none, or it is damaged."""
    path = folder / PLAN
    if not path.is_file():
        raise DataError(
            f"{folder} holds no sweep: it has no {PLAN}. Name a folder that `accumbens sweep ... "
            "--out` wrote."
        )
    content = read_json(path)
    if isinstance(content.get("format"), int) and content["format"] > FORMAT:
        raise DataError(f"A later version of accumbens wrote {path}. Use that version.")
    try:
        cells = tuple(Cell(**cell) for cell in content["cells"])
        kept = {key: content[key] for key in ("table", "fingerprint", "base", "versions")}
        plan = Plan(cells=cells, **kept)
        damaged = not all(isinstance(text, str) for text in (plan.table, plan.fingerprint))
        damaged |= any(hash_of(cell.options) != cell.hash for cell in cells)
        damaged |= any(Path(cell.name).name != cell.name for cell in cells)
    except (KeyError, TypeError, AttributeError):
        damaged = True
    if damaged:
        raise DataError(f"{path} is damaged. Copy it again, or begin the sweep in another folder.")
    return plan
