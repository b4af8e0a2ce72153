"""A figure on disk: PNG to look at, PDF to print, CSV with the numbers behind it."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

import pandas as pd
from matplotlib.figure import Figure

from ..files import write_atomically
from ..io.tables.formulas import csv_text
from .style import figure_style


@runtime_checkable
class HasTable(Protocol):
    """Numbers behind a figure that can be had as one table."""

    def table(self) -> pd.DataFrame: ...


def save_figure(fig: Figure, stem: str | os.PathLike[str], data: pd.DataFrame | HasTable) -> Path:
    """Writes `<stem>.png` (300 dots per inch), `<stem>.pdf` and `<stem>.csv`; returns the PNG.

    Each file is written whole or not at all. The same figure gives the same bytes.
    """
    table = data if isinstance(data, pd.DataFrame) else data.table()
    base = Path(stem)
    png = base.with_name(f"{base.name}.png")
    pdf_metadata = {"CreationDate": None, "Creator": None, "Producer": None}
    with figure_style(), _laid_out(fig):
        write_atomically(png, _rendered(fig, "png", {"Software": None}))
        write_atomically(base.with_name(f"{base.name}.pdf"), _rendered(fig, "pdf", pdf_metadata))
    write_atomically(base.with_name(f"{base.name}.csv"), csv_text(table).encode())
    return png


@contextmanager
def _laid_out(fig: Figure) -> Iterator[None]:
    """Lays out once; within the context the figure is not laid out anew for each file."""
    engine = fig.get_layout_engine()
    if engine is not None:
        engine.execute(fig)
        fig.set_layout_engine("none")
    try:
        yield
    finally:
        fig.set_layout_engine(engine)


def _rendered(fig: Figure, kind: str, metadata: dict[str, None]) -> bytes:
    buffer = io.BytesIO()
    fig.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()
