"""What the page's scripts read: numbers and tables, packed small, that no name can break out of.

The packed bytes are 4 bytes with the length of a header, the header (JSON), and the arrays that it
names, each at a multiple of 8 bytes; all deflated, in base64. Arrays keep their own precision, so
the page has the very numbers that are stored.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import zlib
from typing import Any

import numpy as np

from ..io.tables.formulas import marked

_KINDS = {"float32", "float64", "int8", "int32"}


class Payload:
    """Collects what the page is given.

    Attributes:
        header: names and values that JSON can hold; CSV texts under `csv`.
    """

    def __init__(self) -> None:
        self.header: dict[str, Any] = {"csv": {}}
        self._arrays: list[np.ndarray] = []
        self._size = 0

    def csv(self, name: str, text: str) -> str:
        """Keeps a CSV text under a name, and returns the name.

        Cells that a spreadsheet would run as formulas are marked, where they are not yet.
        """
        self.header["csv"][name] = _without_formulas(text)
        return name

    def array(self, values: Any) -> dict[str, Any]:
        """Keeps an array, and returns what the header says of it."""
        array = np.ascontiguousarray(values)
        if array.dtype.name not in _KINDS:
            array = array.astype(np.float64)
        found = {"at": self._size, "n": array.size, "kind": array.dtype.name,
                 "shape": list(array.shape)}  # fmt: skip
        self._arrays.append(array)
        self._size += array.nbytes + -array.nbytes % 8
        return found

    def packed(self) -> str:
        """All of it in base64."""
        header = json.dumps(self.header, allow_nan=False, separators=(",", ":")).encode()
        header += b" " * ((4 - len(header)) % 8)
        parts = [len(header).to_bytes(4, "little"), header]
        for array in self._arrays:
            raw = array.astype(array.dtype.newbyteorder("<")).tobytes()
            parts += [raw, bytes(-len(raw) % 8)]
        return base64.b64encode(zlib.compress(b"".join(parts), 9)).decode()


def _without_formulas(text: str) -> str:
    made = io.StringIO()
    for row in csv.reader(io.StringIO(text)):
        cells = (cell if cell.startswith("'") else marked(cell) for cell in row)
        csv.writer(made, lineterminator="\n").writerow(cells)
    return made.getvalue()
