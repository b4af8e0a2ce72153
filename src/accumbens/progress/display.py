"""Progress that people see: bars at a terminal, one small table in a notebook, lines in a log."""

from __future__ import annotations

import contextlib
import html
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from .base import Progress, Task

TERMS = {"choice_nll": "NLL", "signal_mse": "MSE", "loss": "loss", "validation": "validation"}
"""Terms that are shown, and how they are called there."""
SECONDS_BETWEEN_LINES = 60.0
SECONDS_BETWEEN_VIEWS = 0.2


@contextlib.contextmanager
def shown(progress: Progress | None) -> Iterator[Progress]:
    """`progress` itself; where it is None, a display if somebody looks, else a quiet one.

    Somebody looks in a notebook, and where standard error is a terminal.
    """
    if progress is not None:
        yield progress
    elif in_notebook():
        with notebook_table() as table:
            yield table
    elif sys.stderr is not None and sys.stderr.isatty():
        with terminal_bars() as bars:
            yield bars
    else:
        yield Progress()


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


class _Rows(Progress):
    """Keeps one row for each first part of a label: stages of one fit share their row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, Task] = {}
        self._lock = threading.RLock()

    def changed(self, task: Task) -> None:
        with self._lock:
            row = task.label.partition(": ")[0]
            new = self.rows.get(row) is not task
            self.rows[row] = task
            self.show(row, task, new=new)

    def show(self, row: str, task: Task, *, new: bool) -> None:
        """Shows the row; `new`: the task has just begun."""


def terms_of(task: Task) -> str:
    """`NLL 0.5123  loss 0.6001`: the latest terms that are worth showing."""
    known = [(TERMS[name], value) for name, value in task.terms.items() if name in TERMS]
    return "  ".join(f"{name} {value:.4f}" for name, value in known)


@contextlib.contextmanager
def terminal_bars(console: Any = None) -> Iterator[Progress]:
    """A bar for each row, on standard error unless a rich `Console` is given."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(),
        TextColumn("{task.fields[count]}", markup=False), TimeElapsedColumn(),
        TimeRemainingColumn(), TextColumn("{task.fields[terms]}", markup=False),
    )  # fmt: skip
    with RichProgress(*columns, console=console or Console(stderr=True)) as bars:
        ids: dict[str, Any] = {}

        class Bars(_Rows):
            def show(self, row: str, task: Task, *, new: bool) -> None:
                fields: dict[str, Any] = {"count": _count(task), "terms": terms_of(task)}
                if row not in ids:
                    ids[row] = bars.add_task(task.label, total=task.total, **fields)
                elif new:
                    bars.reset(ids[row], description=task.label, total=task.total, **fields)
                bars.update(ids[row], completed=task.done, total=task.total, **fields)

        yield Bars()


@contextlib.contextmanager
def notebook_table() -> Iterator[Progress]:
    """One small table below the cell, replaced in place as the work goes on."""
    from IPython.display import display  # pyright: ignore[reportMissingImports]

    class Table(_Rows):
        def __init__(self) -> None:
            super().__init__()
            self.handle: Any = None
            self.shown_at = 0.0

        def show(self, row: str, task: Task, *, new: bool) -> None:
            if new or time.monotonic() - self.shown_at >= SECONDS_BETWEEN_VIEWS:
                self.draw()

        def draw(self) -> None:
            view = {
                "text/plain": "\n".join(map(line_of, self.rows.values())),
                "text/html": table_html(list(self.rows.values())),
            }
            if self.handle is None:
                self.handle = display(view, raw=True, display_id=True)
            else:
                self.handle.update(view, raw=True)
            self.shown_at = time.monotonic()

    table = Table()
    try:
        yield table
    finally:
        if table.rows:
            table.draw()


class Lines(_Rows):
    """Sparse lines for a log: one when a task ends, and one a minute where it takes long.

    Args:
        write: takes a line with its end, such as `sys.stderr.write`.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        super().__init__()
        self._put, self._written = write, {}

    def show(self, row: str, task: Task, *, new: bool) -> None:
        now = time.monotonic()
        if new:
            self._written[row] = now
        elif now - self._written[row] >= SECONDS_BETWEEN_LINES:
            self._written[row] = now
            self._write(task)

    def ended(self, task: Task) -> None:
        with self._lock:
            self._write(task)

    def _write(self, task: Task) -> None:
        with contextlib.suppress(OSError):  # a log that cannot be written is no reason to stop
            self._put(f"{line_of(task)}\n")


def line_of(task: Task) -> str:
    """`disrnn seed 0: choice 350/1200  NLL 0.5123`"""
    return f"{task.label} {_count(task)}  {terms_of(task)}".rstrip()


def table_html(tasks: list[Task]) -> str:
    """The rows as an HTML table: label, bar, count, terms."""
    rows = []
    for task in tasks:
        total = "" if task.total is None else f' max="{max(task.total, 1)}" value="{task.done}"'
        cells = (html.escape(task.label), f"<progress{total}></progress>", _count(task))
        cells += (html.escape(terms_of(task)),)
        rows.append(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    return f"<table>{''.join(rows)}</table>"


def _count(task: Task) -> str:
    if task.total is None:
        return f"{task.done:,}" if task.done else ""
    return f"{task.done:,}/{task.total:,}"
