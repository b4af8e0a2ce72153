"""Configurations as TOML files: any tree of frozen dataclasses, written and read back.

TOML has no null; an empty string stands for None.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from ..errors import ConfigError
from ..files import write_atomically
from .options import Place, build, options_of
from .values import from_toml, near, to_toml

Tree = TypeVar("Tree")

RENAMED: dict[str, str | None] = {
    "gru.stage.bottleneck_rate": None,  # never did anything
    "gru.validate_every": None,  # folds now say when a GRU's training stops
    "gru.patience": None,
}
"""Keys that files of earlier versions may have: what each is called now, or None where it is to be
ignored. A key counts only where the configuration that is read does not know it."""


def as_tables(config: Any) -> dict[str, Any]:
    """The configuration as nested dictionaries that TOML can hold."""

    def plain(value: Any) -> Any:
        if dataclasses.is_dataclass(value):
            return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return to_toml(value)

    return plain(config)


def write_toml(path: str | os.PathLike[str], config: Any, about: dict[str, Any]) -> None:
    """Writes the configuration, and what else a reader should know in a table `about`."""
    import tomli_w

    write_atomically(path, tomli_w.dumps(as_tables(config) | {"about": about}).encode())


def read_toml(tree: type[Tree], path: str | os.PathLike[str]) -> Tree:
    """The configuration in a TOML file; what it leaves out keeps its default.

    Raises:
        ConfigError: the file cannot be read, has an unknown key (near matches are named), or a
            value that does not suit; says which.
    """
    values = read_values(tree, path)
    try:
        return build(tree, values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def read_about(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The table `about` of a TOML file, empty if it has none. Raises ConfigError as `read_toml`."""
    about = _tables(Path(path)).get("about", {})
    if not isinstance(about, dict):
        raise ConfigError(f"{path}: about must be a table, such as [about].")
    return about


def read_values(tree: type, path: str | os.PathLike[str]) -> dict[Place, Any]:
    """What a TOML file says of the options of `tree`, by their place. Raises ConfigError.

    A key may be an option's name on the command line too: `signal` instead of `table.signal`.
    """
    path, values = Path(path), {}
    options = [option for option in options_of(tree) if not option.positional]
    by_key = {o.name.replace("-", "_"): o for o in options} | {o.key: o for o in options}
    content = {key: value for key, value in _tables(path).items() if key != "about"}
    for key, value in _flat(content, (), {option.key for option in options}):
        key = RENAMED.get(key, key) if key not in by_key else key
        if key is None:
            continue
        option = by_key.get(key)
        if option is None:
            raise ConfigError(f"{path}: {_unknown(key, [o.key for o in options])}")
        if option.place in values:
            raise ConfigError(f"{path}: {option.key} is given twice. Keep one.")
        try:
            values[option.place] = from_toml(option, value)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error
    return values


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"Cannot read the configuration {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is not a text file in UTF-8, as TOML files are. Save it as UTF-8."
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not a TOML file: {error}.") from error


def _flat(
    table: dict[str, Any], above: tuple[str, ...], known: set[str]
) -> Iterator[tuple[str, Any]]:
    """Dotted keys and values; an empty table has none."""
    for name, value in table.items():
        full = (*above, name.replace("-", "_"))
        key = ".".join(full)
        if isinstance(value, dict) and key not in known:
            yield from _flat(value, full, known)
        else:
            yield key, value


def _unknown(key: str, known: list[str]) -> str:
    """What to say of a key that no option has."""
    parts = [key.split(".") for key in known]
    tables = {".".join(p[:n]) for p in parts for n in range(1, len(p))}
    if key in tables:
        return f"{key} must be a table, such as [{key}]."
    advice = near(key, [*known, *tables])
    if not advice:
        last = {k.rpartition(".")[2]: k for k in known}
        close = difflib.get_close_matches(key.rpartition(".")[2], last, n=2)
        advice = f" Did you mean {' or '.join(last[name] for name in close)}?" if close else ""
    if not advice:
        top = dict.fromkeys(key.partition(".")[0] for key in known)
        advice = f" Known: {', '.join(top)}." if top else " The command has no options."
    return f"unknown option {key}.{advice}"
