"""Finished analyses, read from what they left on disk.

A fit has a class of its own, `run.Run`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DataError
from ..summary import Summary, counted, listed, summarized

if TYPE_CHECKING:
    import pandas as pd


@summarized
class StoredAnalysis:
    """A finished analysis of credit or selectivity: its options, numbers and tables.

    Attributes:
        path: its folder.
        kind: as in the list of kinds of result, `credit` say.
        about: the table that was analysed, its fingerprint, and versions.
        config: the options, such as a `CreditConfig`.
        metrics: what `metrics.json` says.

    Raises:
        DataError: the folder holds no analysis, or it is not finished.
    """

    def __init__(self, path: str | Path) -> None:
        from .kinds import kind_of
        from .toml import read_about, read_toml

        self.path: Path = Path(path)
        self.kind: str = kind_of(path).name
        config = self.path / "config.toml"
        self.about: dict[str, Any] = read_about(config)
        self.config: Any = read_toml(kind_of(path).config_class, config)
        self.metrics: dict[str, Any] = read_json(self.path / "metrics.json")

    def _summary(self) -> Summary:
        data = self.metrics.get("data", {})
        facts = [
            ("table", str(self.about.get("table", "unknown"))),
            *((name, f"{n:,}") for name, n in data.items() if isinstance(n, int)),
            ("tables", listed(self.tables)),
        ]
        warnings = self.metrics.get("warnings", [])
        title = f"Analysis {self.path}: {self.kind}, {counted(len(warnings), 'warning')}"
        return Summary(title, facts, notes=warnings)

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables beside the numbers."""
        found = (p for p in self.path.iterdir() if p.suffix in (".csv", ".parquet"))
        return tuple(sorted(p.stem for p in found))

    def table(self, name: str) -> pd.DataFrame:
        """One of its tables, as a DataFrame.

        Args:
            name: one of `tables`.

        Raises:
            DataError: there is no such table.
        """
        from ..io.tables.files import read_table

        for ending in (".parquet", ".csv"):
            if (self.path / f"{name}{ending}").is_file():
                return read_table(self.path / f"{name}{ending}")
        raise DataError(f"{self.path} has no table {name!r}; it has {', '.join(self.tables)}.")


def load_analysis(path: str | Path) -> StoredAnalysis:
    """The analysis in that folder. Raises DataError when there is none or it is not finished."""
    return StoredAnalysis(path)


def load_power(path: str | Path) -> pd.DataFrame:
    """The table of powers in that folder. Raises DataError when it cannot be read."""
    from ..io.tables.files import read_table

    return read_table(Path(path) / "power.csv")


def read_json(path: Path) -> dict[str, Any]:
    """The content of a JSON file. Raises DataError where it is missing or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(
            f"The run in {path.parent} is not finished. Delete it and run it again."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is damaged ({error}). Run it again.") from error
    if not isinstance(found, dict):
        raise DataError(f"{path} is damaged: it holds no names and values. Run it again.")
    return found
