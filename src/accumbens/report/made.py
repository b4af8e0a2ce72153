"""Making a report: from a result's folder to one HTML file."""

from __future__ import annotations

import html
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..files import check_free, write_atomically
from .page import page
from .payload import Payload
from .records import Records
from .sections.credit import credit_sections
from .sections.fit import fit_sections
from .sections.selectivity import selectivity_sections
from .sections.shared import Section
from .sections.sweep import sweep_sections

SECTIONS: dict[str, tuple[str, Callable[[Records, Payload], list[Section]]]] = {
    "fit": ("Models of choices and signals", fit_sections),
    "credit": ("Which rewards are credited?", credit_sections),
    "sweep": ("Many fits of one table", sweep_sections),
    "selectivity": ("What does each unit respond to?", selectivity_sections),
}
"""Kinds of result that have a report: its title, and its sections."""


class Report:
    """A report of a finished analysis: one HTML page, which a notebook shows.

    The page holds everything: numbers, figures, an explorer of the trials of a fit, and the library
    that draws. It asks nothing of the network.

    Args:
        result: folder of a fit, a sweep, `accumbens credit` or `accumbens selectivity`; or the
            result that `load_run` or `load_result` gives.

    Raises:
        ConfigError: there are no reports of that kind of result.
        DataError: the folder holds no result, or it is not finished.

    Attributes:
        path: folder of the result.
        html: the whole page.

    Example:
        >>> from accumbens.report import Report  # doctest: +SKIP
        >>> Report("runs/mice").save("mice.html")  # doctest: +SKIP
    """

    def __init__(self, result: Any) -> None:
        self.path = _folder_of(result)
        records, payload = Records(self.path), Payload()
        if records.kind not in SECTIONS:
            raise ConfigError(
                f"{self.path} holds a result of the kind {records.kind}, of which there is no "
                f"report; there is one of {', '.join(SECTIONS)}. accumbens show {self.path} prints "
                "it."
            )
        title, make = SECTIONS[records.kind]
        sections = make(records, payload)
        payload.header["kind"] = records.kind
        table = records.about.get("table", getattr(records.result, "table", self.path))
        name = Path(str(table)).name
        self.html: str = page(title, name, sections, payload)

    def save(self, path: str | os.PathLike[str], *, replace: bool = False) -> Path:
        """Writes the page to a file, whole or not at all.

        Args:
            path: of the file, `report.html`.
            replace: whether a file of that name may be replaced.

        Raises:
            ConfigError: there is a file of that name.
            DataError: the system refuses.
        """
        check_free(path, replace=replace)
        write_atomically(path, self.html.encode())
        return Path(path)

    def __repr__(self) -> str:
        return f"Report({str(self.path)!r}), {len(self.html) / 1e6:.1f} MB; .save(path) writes it"

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that neither it nor the notebook changes the other."""
        return (
            f'<iframe title="Report of {html.escape(str(self.path))}" '
            f'srcdoc="{html.escape(self.html)}" '
            'style="width:100%;height:80vh;border:1px solid #8884" '
            'sandbox="allow-scripts allow-downloads allow-modals"></iframe>'
        )


def write_report(
    result: Any, out: str | os.PathLike[str] | None = None, *, replace: bool = False
) -> Path:
    """Writes the report of a finished analysis: one HTML file.

    Args:
        result: as for `Report`.
        out: of the file; by default report.html in the result's folder.
        replace: whether a file of that name may be replaced.

    Returns:
        Where it is.

    Raises:
        ConfigError: there are no reports of that kind of result, or there is a file of that name.
        DataError: the folder holds no result, or the file cannot be written.
    """
    report = Report(result)
    return report.save(report.path / "report.html" if out is None else out, replace=replace)


def _folder_of(result: Any) -> Path:
    if isinstance(result, str | os.PathLike):
        return Path(result)
    for holder in (result, getattr(result, "folder", None)):
        path = getattr(holder, "path", None)
        if isinstance(path, Path):
            return path
    raise ConfigError(
        f"A report is of the folder of a result, or of what load_result gives; this is a "
        f"{type(result).__name__}."
    )
