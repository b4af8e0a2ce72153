"""Tables in files: CSV and TSV (also compressed as .gz) and Parquet, read and written exactly."""

from __future__ import annotations

import csv
import gzip
import io
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from jaxtyping import Int
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from ...errors import DataError
from ...files import replacing
from ..sources import TABLE_ENDINGS, WRITTEN_ENDINGS
from .formulas import marked_frame, unmarked_frame
from .matlab import read_matlab
from .problems import Problems, listed, near_matches, show
from .row_groups import Wanted, read_row_groups
from .workbooks import read_workbook

_MAGIC = {
    b"PAR1": "a Parquet file: give it the ending .parquet",
    b"\x1f\x8b": "compressed with gzip: give it the ending .csv.gz or .tsv.gz",
    b"PK\x03\x04": "an Excel workbook or zip archive: save the sheet as CSV",
    b"\x89HDF": "an HDF5 or NWB file: export its trials as a table",
    b"\xff\xfe": "UTF-16 text: save it as CSV UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as CSV UTF-8",
}
_CONVERT = "accumbens convert makes a table from an NWB file."
_BLOCK = 2**31 - 2
"""Bytes from which column types are inferred: as many as Arrow allows, so that all rows count."""


class TableFile(NamedTuple):
    """A table as it was read.

    Attributes:
        frame: all its columns.
        problems: what is wrong with single rows of the file.
        typed: whether the file says the types of its columns (Parquet) or they were inferred.
        others: labels of all columns, where not all of them were read.
    """

    frame: pd.DataFrame
    problems: Problems
    typed: bool
    others: tuple[str, ...] | None = None

    @property
    def labels(self) -> list[str]:
        """Of all columns of the file."""
        return [
            str(label) for label in (self.frame.columns if self.others is None else self.others)
        ]


def read_table(path: str | os.PathLike[str], text: Sequence[str] = ()) -> pd.DataFrame:
    """Reads all columns of a table. Numbers are exact to the last bit.

    Args:
        path: of a CSV, TSV (also .gz), text (.txt, with tabs or commas), Parquet (.parquet, .pqt),
            Excel (.xlsx) or MATLAB (.mat) file.
        text: columns of a CSV or TSV file to keep as text ("060223" keeps its zero). The type of
            each other column is the narrowest that fits all its rows.

    Raises:
        DataError: the file is missing, damaged, or not what its ending says.
    """
    file = open_table(path, text)
    file.problems.raise_if_any()
    return file.frame


def write_table(frame: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Writes a table, without its index, in the format that the ending of the path names.

    The file appears under its name when it is complete. Numbers are exact to the last bit. Folders
    that do not exist are made. In text files, text that a spreadsheet would run as a formula has an
    apostrophe before it, which `read_table` takes away.

    Args:
        frame: the table.
        path: ends in .csv, .tsv, .csv.gz, .tsv.gz or .parquet.

    Raises:
        DataError: the ending is unknown, or the file cannot be written.
    """
    content = table_bytes(frame, path)
    with replacing(path) as part:
        part.write_bytes(content)


def table_bytes(frame: pd.DataFrame, path: str | os.PathLike[str]) -> bytes:
    """What `write_table` writes. Arguments and errors are its own."""
    ending = _ending(Path(path), WRITTEN_ENDINGS)
    shown = frame if ending == ".parquet" else marked_frame(frame)
    table, text = pa.Table.from_pandas(shown, preserve_index=False), io.BytesIO()
    if ending == ".parquet":
        parquet.write_table(table, text)
        return text.getvalue()
    options = arrow_csv.WriteOptions(delimiter="\t" if ".tsv" in ending else ",")
    arrow_csv.write_csv(table, text, options)
    return gzip.compress(text.getvalue(), mtime=0) if ".gz" in ending else text.getvalue()


def open_table(
    path: str | os.PathLike[str], text: Sequence[str] = (), wanted: Wanted | None = None
) -> TableFile:
    """Reads a table as `read_table` does; problems of single rows are collected, not raised.

    wanted: from the labels of all columns to those that are needed. Of a Parquet file no others are
    read, so that it may be larger than memory.
    """
    path = Path(path)
    if path.is_dir():
        hint = "Name the table file inside it." if ".zarr" not in path.name else _CONVERT
        raise DataError(f"Cannot read {path}: it is a folder. {hint}")
    if not path.exists():
        raise DataError(f"Cannot read {path}: {_absent(path)}")
    ending = _ending(path)
    if ending in (".parquet", ".pqt"):
        return _parquet(path, wanted)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}. Allow it to be read.") from error
    if not data:
        raise DataError(f"Cannot read {path}: the file is empty. Export or copy it again.")
    if ending == ".xlsx":
        frame, rows = read_workbook(path)
        counting = "rows counted as in the sheet"
        return TableFile(frame, Problems(f"table {path}", pd.Index(rows), counting), typed=True)
    if ending == ".mat":
        frame = read_matlab(path, data)
        counting = "rows counted from 1"
        rows = pd.RangeIndex(1, len(frame) + 1)
        return TableFile(frame, Problems(f"table {path}", rows, counting), typed=True)
    return _csv(path, data, ending, text)


def _ending(path: Path, known: Sequence[str] = TABLE_ENDINGS) -> str:
    for ending in sorted(known, key=len, reverse=True):
        if path.name.casefold().endswith(ending):
            return ending
    raise DataError(
        f"Cannot tell the format of {path} from its ending {show(path.suffix)}. "
        f"A table's name ends in {', '.join(known[:-1])} or {known[-1]}."
        f"{f' {_CONVERT}' if '.nwb' in path.name.casefold() else ''}"
    )


def _absent(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}. Check the path."
    there = [p.name for p in path.parent.iterdir() if p.name.casefold().endswith(TABLE_ENDINGS)]
    close = near_matches(path.name, there)
    hint = f"Did you mean {listed(close)}?" if close else "Check the path."
    return f"there is no such file. {hint}"


def _parquet(path: Path, wanted: Wanted | None) -> TableFile:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            first = file.read(2**16)
            file.seek(max(size - 4, 0))
            last = file.read(4)
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}. Allow it to be read.") from error
    if not size:
        raise DataError(f"Cannot read {path}: the file is empty. Export or copy it again.")
    if first[:4] != b"PAR1":
        raise DataError(
            f"Cannot read {path}: it ends in {path.suffix} but is not a Parquet file. It "
            f"seems to be {_look(first)}."
        )
    if last != b"PAR1" or size < 12:
        raise DataError(f"Cannot read {path}: the Parquet file is cut short. Copy it again.")
    try:
        frame, labels = read_row_groups(path, wanted)
    except Exception as error:  # whatever the reader meets in damaged bytes
        raise DataError(
            f"Cannot read {path}: the Parquet file is damaged ({_first_line(error)}). "
            "Copy or write it again."
        ) from error
    problems = Problems(f"table {path}", frame.index, "rows counted from 0")
    return TableFile(frame, problems, typed=True, others=labels)


def _csv(path: Path, data: bytes, ending: str, text: Sequence[str]) -> TableFile:
    data = _decoded(path, data, ending)
    delimiter = "\t" if ".tsv" in ending else ","
    if ending == ".txt" and b"\t" in data.lstrip(b"\r\n").partition(b"\n")[0]:
        delimiter = "\t"
    skipped: list[arrow_csv.InvalidRow] = []

    def skip(row: arrow_csv.InvalidRow) -> str:
        skipped.append(row)
        return "skip"

    try:
        body = data.lstrip(b"\r\n")
        first = io.StringIO(body[: 2**20].decode("utf-8", "ignore"), newline="")
        reader = csv.reader(first, delimiter=delimiter)
        header = next(reader)
        names = [str(i) for i in range(len(header))]
        as_text = {n: pa.string() for n, h in zip(names, header, strict=True) if h in text}
        table = arrow_csv.read_csv(
            pa.BufferReader(body),
            arrow_csv.ReadOptions(
                use_threads=False, block_size=_BLOCK, column_names=names, skip_rows=reader.line_num
            ),
            arrow_csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=True,
                ignore_empty_lines=len(header) > 1,  # in one column they are blank cells
                invalid_row_handler=skip,
            ),
            arrow_csv.ConvertOptions(column_types=as_text, strings_can_be_null=False),
        )
        frame = table.to_pandas(ignore_metadata=True)
    except Exception as error:  # whatever the reader meets in damaged text
        raise DataError(
            f"Cannot read {path}: it is not a table in text form ({_first_line(error)}). Look for "
            "a quotation mark that is not closed, or export it again."
        ) from error
    frame.columns = pd.Index(header, dtype=object)
    frame = unmarked_frame(frame)
    records = _record_rows(data, 1 + len(frame) + len(skipped))
    skips = [row.number - reader.line_num for row in skipped]
    kept = np.delete(records, [0, *skips])
    problems = Problems(f"table {path}", pd.Index(kept), "rows counted with the header as row 1")
    for cells in sorted({row.actual_columns for row in skipped}):
        alike = zip(skips, skipped, strict=True)
        rows = [records[i] for i, row in alike if row.actual_columns == cells]
        problems.found.append(
            f"{'row' if len(rows) == 1 else 'rows'} {listed(rows, quote=False)}: "
            f"{cells} cells, but the header has {len(header)}; add or remove cells"
        )
    other = max(";\t,|", key=header[0].count)
    if len(header) == 1 and other in header[0]:
        name = {";": "semicolons", "\t": "tabs", ",": "commas", "|": "vertical bars"}[other]
        problems.notes.append(
            f"The cells of its header seem to be separated by {name}: save it with commas as .csv "
            "or with tabs as .tsv."
        )
    return TableFile(frame, problems, typed=False)


def _decoded(path: Path, data: bytes, ending: str) -> bytes:
    """The text of a CSV or TSV file as UTF-8 bytes without the byte order mark."""
    if ending.endswith(".gz"):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(
                f"Cannot read {path}: it ends in .gz but is not a whole gzip file "
                f"({_first_line(error)}). Copy or export it again."
            ) from error
    if data.startswith(tuple(_MAGIC)) or b"\0" in data:
        raise DataError(
            f"Cannot read {path}: it ends in {ending} but is not text. It seems to be "
            f"{_look(data)}."
        )
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise DataError(f"Cannot read {path}: the file holds only blank lines. Export it again.")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"Cannot read {path}: line {1 + data.count(10, 0, error.start)} is not UTF-8 text "
            f"(byte {data[error.start]:#04x}). Save it as CSV UTF-8."
        ) from error
    return data


def _record_rows(data: bytes, n_records: int) -> Int[np.ndarray, " record"]:
    """The line of each record, header included, counted from 1; blank lines count too."""
    lines = np.arange(1, n_records + 1)
    if data[:1] in b"\r\n" or b"\n\n" in data or b"\n\r\n" in data:
        full = [i for i, line in enumerate(data.split(b"\n"), 1) if line.strip(b"\r")]
        if len(full) == n_records:  # else line breaks inside quotation marks: count records
            lines = np.array(full)
    return lines


def _look(data: bytes) -> str:
    """What kind of file the first bytes look like, in words."""
    for magic, words in _MAGIC.items():
        if data.startswith(magic):
            return words
    if b"\0" in data or not data.isascii():
        return "something else, or damaged: copy or export it again"
    return "plain text: give it the ending .csv or .tsv"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
