"""`accumbens convert`: recordings to a trial table."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from ..io.sources import names_of
from ..run.convert.config import ConvertConfig
from ..run.options import POSITIONAL, ROOT, Note
from .commands import Command
from .output import Output

if TYPE_CHECKING:
    import pandas as pd

UNITS_SHOWN = 20
"""Units that are printed; the record has all."""

KNOWN = Note(lambda: f"Known are {names_of('trials')}.")


@dataclasses.dataclass(frozen=True)
class ConvertCommand(Command):
    """Turn NWB files or trial tables, with photometry and spikes, into one trial table for the
    other commands."""

    first: ClassVar = (
        "out", "choice", "outcome", "context", "photometry.channel", "photometry.event",
        "spikes.event", "event-unit",
    )  # fmt: skip
    examples: ClassVar = """
accumbens inspect session.nwb
accumbens convert session.nwb --out trials.parquet
accumbens convert day1.csv day2.csv --context outcome_time --photometry.file day1.ppd day2.ppd \\
    --photometry.channel G_1 --photometry.control G_2 --photometry.event outcome_time
"""

    files: Annotated[tuple[Path, ...], POSITIONAL, KNOWN]
    """Files with the trials, one session each, or tables with a row a trial."""
    out: Path = Path("trials.parquet")
    """Table to write: CSV, TSV or Parquet; a record of what was done goes beside it."""
    replace: bool = False
    """Replace the table of an earlier conversion also if it was changed since. Nothing is ever
    written over what is read."""
    options: Annotated[ConvertConfig, ROOT] = dataclasses.field(default_factory=ConvertConfig)
    """Trials."""

    def run(self, out: Output) -> None:
        from ..run.convert.conversion import check_out, convert_files, write_converted
        from .printing import shown_progress

        check_out(self.files, self.options, self.out, replace=self.replace)
        with shown_progress() as progress:
            converted = convert_files(self.files, self.options, progress)
        record = write_converted(converted, self.out)
        print_record(out, converted.record)
        out.paths(table=self.out, record=record)


def print_saved_record(out: Output, path: Path) -> None:
    """What the record of an earlier conversion says."""
    from ..run.convert.record import read_record

    print_record(out, read_record(path))
    out.paths(record=path)


def print_record(out: Output, record: dict[str, Any]) -> None:
    """A row a session; then the quality of the recordings, and the units."""
    import pandas as pd

    from .printing import cell_of, print_frame

    rows = [row | {"file": Path(row["file"]).name} for row in record["sessions"]]
    out.table(list(rows[0]), [[cell_of(value) for value in row.values()] for row in rows])
    if record["quality"]:
        _print_quality(out, pd.DataFrame(record["quality"]))
    for warning in record.get("warnings", ()):
        out.warn(warning)
    units = pd.DataFrame(record["units"])
    if len(units):
        known = units if any(units["region"]) else units.drop(columns="region")
        print_frame(out, known, f"units: {len(units)} (spikes/s)", UNITS_SHOWN)


def _print_quality(out: Output, quality: pd.DataFrame) -> None:
    """A row a fact, a column a channel and session."""
    from .printing import cell_of

    rows = []
    for fact in quality.columns:
        values = quality[fact].tolist()
        cells = [f"{v:.6g}" if isinstance(v, float) else cell_of(v) for v in values]
        rows.append([fact.replace("_", " "), *cells])
    headings = ["", *(str(i + 1) for i in range(len(quality)))]
    out.table(headings, rows, title="quality of the recordings")
