"""How far long work has come: whatever takes long reports to a `Progress` and may be stopped by it.

Every such function has an argument `progress`. By default it is quiet; the `run_...` functions show
bars where somebody looks (see `display.shown`). To receive reports, override one method:

    class Printed(Progress):
        def changed(self, task: Task) -> None:
            print(task.label, task.done, task.total)
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Stopped(KeyboardInterrupt):
    """Raised inside work whose `Progress` was told to stop."""


class Progress:
    """Receives reports of long work, from any thread; this one shows nothing.

    A label may have parts, from the whole to the detail: `disrnn seed 0: choice`.
    """

    _label = ""

    def __init__(self) -> None:
        self._stopping = threading.Event()

    @contextlib.contextmanager
    def task(self, label: str, total: int | None = None) -> Iterator[Task]:
        """A piece of work that begins and ends with the context.

        Args:
            label: what is being done.
            total: how many steps it has; None where that is not known yet.
        """
        task = Task(self, self._label + label, total)
        self.changed(task)
        yield task
        self.ended(task)

    def each(self, label: str, items: Sequence[Item]) -> Iterator[Item]:
        """The items in turn, as a task with a step for each."""
        with self.task(label, len(items)) as task:
            for item in items:
                yield item
                task.advance()

    def within(self, label: str) -> Progress:
        """The same display for a part of the work, which can be stopped without the rest.

        Args:
            label: what its labels begin with; may be empty.
        """
        return _Part(self, label)

    def stop(self) -> None:
        """Makes each task raise `Stopped` at its next report."""
        self._stopping.set()

    @property
    def stopping(self) -> bool:
        """Whether the work is to stop."""
        return self._stopping.is_set()

    def changed(self, task: Task) -> None:
        """Called when a task begins and whenever it reports; shows nothing here."""

    def ended(self, task: Task) -> None:
        """Called when a task has ended without an error; shows nothing here."""


class Task:
    """Where one piece of work stands: `done` of `total` steps (None: not known), and the latest
    terms of what is being minimised, by name."""

    def __init__(self, progress: Progress, label: str, total: int | None) -> None:
        self.label: str = label
        self.total: int | None = total
        self.done: int = 0
        self.terms: Mapping[str, float] = {}
        self._progress, self._lock = progress, threading.Lock()

    def advance(self, steps: int = 1) -> None:
        """Some more steps are done. Raises Stopped when the work is to stop."""
        with self._lock:
            self.done += steps
        self._report()

    def update(
        self, done: int, *, total: int | None = None, terms: Mapping[str, float] | None = None
    ) -> None:
        """So many steps are done. Raises Stopped when the work is to stop.

        Args:
            done: steps done since the task began.
            total: how many steps it has, where that has changed.
            terms: the latest terms of what is being minimised, by name.
        """
        with self._lock:
            self.done = done
            self.total = self.total if total is None else total
            self.terms = self.terms if terms is None else terms
        self._report()

    def shared(self) -> Progress:
        """A progress whose tasks all count towards this one, instead of being shown themselves."""
        return _Shares(self, self._progress)

    def _report(self) -> None:
        self._progress.changed(self)
        if self._progress.stopping:
            raise Stopped


class _Part(Progress):
    def __init__(self, whole: Progress, label: str) -> None:
        super().__init__()
        self._whole, self._label = whole, whole._label + (f"{label}: " if label else "")

    @property
    def stopping(self) -> bool:
        return super().stopping or self._whole.stopping

    def changed(self, task: Task) -> None:
        self._whole.changed(task)

    def ended(self, task: Task) -> None:
        self._whole.ended(task)


class _Shares(Progress):
    def __init__(self, sum_of_all: Task, whole: Progress) -> None:
        super().__init__()
        self._sum, self._whole = sum_of_all, whole
        self._counted: dict[Task, int] = {}

    @property
    def stopping(self) -> bool:
        return super().stopping or self._whole.stopping

    def changed(self, task: Task) -> None:
        more = task.done - self._counted.get(task, 0)
        self._counted[task] = task.done
        self._sum.advance(more)

    def ended(self, task: Task) -> None:
        del self._counted[task]
