"""A sweep as its files tell: cells, their states, and what those that are done found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import AccumbensError
from ...summary import Summary, counted, summarized
from ..fit.folder import Run, load_run
from ..stored import read_json
from .axes import text_of
from .cell import State, folder_of, read_record, state_of
from .plan import Cell, read_plan

if TYPE_CHECKING:
    import pandas as pd

WORDS: dict[State, str] = {
    "done": "done", "failed": "failed", "running": "under way",
    "begun": "begun and stopped", "to do": "not begun",
}  # fmt: skip


@summarized
class Sweep:
    """A sweep, read from its folder: which cells there are, and where each stands now.

    Raises DataError where the folder holds no sweep.
    """

    def __init__(self, path: str | Path) -> None:
        self.path: Path = Path(path)
        self._plan = read_plan(self.path)
        self.table: str = self._plan.table
        self._cells = {cell.name: cell for cell in self._plan.cells}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the cells, which are those of their folders below `cells`."""
        return tuple(self._cells)

    def varied(self, name: str) -> dict[str, Any]:
        """The varied options of a cell, by the names that the user gave them."""
        return dict(self._cells[name].varied)

    def state(self, name: str) -> State:
        """Where a cell stands: `done`, `failed`, `running`, `begun` (and stopped) or `to do`."""
        return state_of(self.path, self._cells[name])

    def states(self) -> dict[str, State]:
        """The state of every cell, by name."""
        return {name: self.state(name) for name in self._cells}

    def count(self) -> dict[State, int]:
        """How many cells are in each state that any is in."""
        found = Counter(self.states().values())
        return {state: found[state] for state in WORDS if found[state]}

    @property
    def failed(self) -> dict[str, str]:
        """What the cells that failed said, by name."""
        known = {name: read_record(self.folder(name)) for name in self._cells}
        return {n: str(r.get("error")) for n, r in known.items() if r.get("state") == "failed"}

    def record(self, name: str) -> dict[str, Any]:
        """What cell.json of a cell says: attempts, seconds, host, error and traceback."""
        return read_record(self.folder(name))

    def folder(self, name: str) -> Path:
        """The run folder of a cell."""
        return folder_of(self.path, self._cells[name])

    def run(self, name: str) -> Run:
        """The run of a cell. Raises DataError where it is not done."""
        return load_run(self.folder(name))

    def runs(self) -> Iterator[tuple[str, Run]]:
        """Names and runs of the cells that are done."""
        for name in self._cells:
            if self.state(name) == "done":
                yield name, self.run(name)

    def to_frame(self) -> pd.DataFrame:
        """One row a cell: what is varied, its state, held-out normalized likelihood of each model,
        how many latents of the disRNN are open, and seconds."""
        import pandas as pd

        return pd.DataFrame([self._row(cell) for cell in self._plan.cells])

    def _row(self, cell: Cell) -> dict[str, Any]:
        folder, record = folder_of(self.path, cell), read_record(folder_of(self.path, cell))
        row = {name: _shown(value) for name, value in cell.varied.items()}
        row |= {"cell": cell.name, "state": self.state(cell.name), "seconds": record.get("seconds")}
        if row["state"] != "done":
            return row
        try:
            metrics = read_json(folder / "metrics.json")
            for name, model in metrics["models"].items():
                row[f"{name}.normalized_likelihood"] = model["choice"]["normalized_likelihood"]
            if "open_latents" in metrics:
                row["open_latents"] = len(metrics["open_latents"])
        except (AccumbensError, KeyError, TypeError):
            row["state"] = "damaged"
        return row

    def _summary(self) -> Summary:
        counts = self.count()
        done = ", ".join(f"{n:,} {WORDS[state]}" for state, n in counts.items())
        title = f"Sweep {self.path}: {counted(len(self._cells), 'cell')}, {done}"
        axes: dict[str, dict[str, None]] = {}
        for cell in self._plan.cells:
            for name, value in cell.varied.items():
                axes.setdefault(name, {})[text_of(_shown(value))] = None
        facts = [("table", self.table), *((name, _few(list(v))) for name, v in axes.items())]
        return Summary(title, facts)


def _shown(value: Any) -> Any:
    return "+".join(map(str, value)) if isinstance(value, list) else value


def _few(values: list[str]) -> str:
    if len(values) <= 8:
        return ", ".join(values)
    return f"{', '.join(values[:3])}, ..., {values[-1]} ({len(values)} values)"
