"""What a report is written from: the files that a run left, and nothing else."""

from __future__ import annotations

import base64
from functools import cached_property
from pathlib import Path
from typing import Any

from ..run.kinds import kind_of, load_result

LARGEST_PICTURE = 400_000
"""Bytes of the PNG of a figure that no script draws, beyond which only its numbers are kept."""


class Records:
    """The stored records of a result.

    Attributes:
        path: its folder.
        kind: `fit`, `credit` or `selectivity`.
        result: as `load_result` gives it.
        about: table, fingerprint and versions. metrics: what metrics.json says.

    Raises:
        DataError: there is no result, or it is not finished.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.kind = kind_of(path).name
        self.result: Any = load_result(path)
        self.about: dict[str, Any] = getattr(self.result, "about", {})
        self.metrics: dict[str, Any] = getattr(self.result, "metrics", {})

    @cached_property
    def figures(self) -> dict[str, str]:
        """The numbers of each figure, as CSV, by its name."""
        found = sorted((self.path / "figures").glob("*.csv"))
        return {path.stem: path.read_text(encoding="utf-8") for path in found}

    def picture(self, name: str) -> str | None:
        """A figure's PNG in base64; None where there is none, or it is too large to carry."""
        path = self.path / "figures" / f"{name}.png"
        if not path.is_file() or path.stat().st_size > LARGEST_PICTURE:
            return None
        return base64.b64encode(path.read_bytes()).decode()

    def text(self, name: str) -> str | None:
        """A text file of the folder; None where there is none."""
        path = self.path / name
        return path.read_text(encoding="utf-8") if path.is_file() else None
