"""Excel workbooks (`.xlsx`) as tables. Needs the extra `excel`."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ...errors import ConfigError, DataError
from .problems import listed

MAX_BYTES = 2**30
"""Largest size of the unpacked workbook, in bytes."""


class Sheet(NamedTuple):
    """The cells of a sheet.

    Attributes:
        name: of the sheet.
        rows: number of each row in the sheet, from 1, and its cells; blank rows are left out.
    """

    name: str
    rows: list[tuple[int, tuple[Any, ...]]]


def read_workbook(path: Path) -> tuple[pd.DataFrame, list[int]]:
    """The one sheet of a workbook that is not blank; its first row has the names of the columns.

    Returns:
        The table, and the number of each of its rows in the sheet.

    Raises:
        ConfigError: the extra `excel` is not installed.
        DataError: the workbook is damaged, has several sheets, or formulas without values.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise ConfigError(
            f"Excel workbooks need openpyxl, which is not installed ({error}). Install it with "
            "pip install 'accumbens[excel]', or save the sheet as CSV."
        ) from error
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > MAX_BYTES:
            raise DataError(f"Cannot read {path}: unpacked, it has {size:,} bytes. Save it as CSV.")
        shown = openpyxl.load_workbook(path, read_only=True, data_only=True)
        written = openpyxl.load_workbook(path, read_only=True, data_only=False)
        try:
            sheets = [_sheet(path, one, written[one.title]) for one in shown.worksheets]
        finally:
            shown.close()
            written.close()
    except DataError:
        raise
    except Exception as error:  # whatever the reader meets in damaged bytes
        words = (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
        raise DataError(
            f"Cannot read {path}: the Excel workbook is damaged or protected ({words}). Save it "
            "again, or as CSV."
        ) from error
    sheets = [sheet for sheet in sheets if sheet.rows]
    if len(sheets) != 1:
        names = listed([sheet.name for sheet in sheets]) if sheets else "none"
        raise DataError(
            f"Cannot read {path}: a table is one sheet, but the sheets that are not blank are "
            f"{names}. Keep one, or save it as CSV."
        )
    return _frame(sheets[0])


def _sheet(path: Path, shown: Any, written: Any) -> Sheet:
    rows = []
    pairs = zip(shown.iter_rows(values_only=True), written.iter_rows(values_only=True), strict=True)
    for number, (values, formulas) in enumerate(pairs, 1):
        for value, formula in zip(values, formulas, strict=False):
            if value is None and isinstance(formula, str) and formula.startswith("="):
                raise DataError(
                    f"Cannot read {path}: sheet {shown.title}, row {number}: the formula "
                    f"{formula[:40]} has no value stored. Open the workbook in Excel and save it."
                )
        if any(not _blank(value) for value in values):
            rows.append((number, tuple(values)))
    return Sheet(shown.title, rows)


def _frame(sheet: Sheet) -> tuple[pd.DataFrame, list[int]]:
    header, *rows = sheet.rows
    width = max(len(cells) for _, cells in sheet.rows)
    names = ["" if _blank(cell) else str(cell) for cell in header[1]]
    names += [""] * (width - len(names))
    cells = [[*values, *[None] * (width - len(values))] for _, values in rows]
    kept = [i for i in range(width) if names[i] or any(not _blank(values[i]) for values in cells)]
    columns = [pd.Series([row[i] for row in cells], dtype=object).infer_objects() for i in kept]
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame()
    frame.columns = pd.Index([names[i] for i in kept], dtype=object)
    return frame, [number for number, _ in rows]


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
