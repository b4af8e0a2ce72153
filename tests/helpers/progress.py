"""A `Progress` that remembers what it was told."""

from typing import NamedTuple

from accumbens.progress import Progress, Task


class Report(NamedTuple):
    """One report: of which task, where it stood."""

    label: str
    done: int
    total: int | None
    terms: dict[str, float]


class Recorded(Progress):
    """All reports in order, those of the beginning of a task (0 done) too, and all that ended."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Report] = []
        self.finished: list[str] = []

    def changed(self, task: Task) -> None:
        self.seen.append(Report(task.label, task.done, task.total, dict(task.terms)))

    def ended(self, task: Task) -> None:
        self.finished.append(task.label)
