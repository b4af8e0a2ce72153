"""What commands say.

Text is printed as it is: brackets in a name are no markup. A terminal that lacks a character, a
closed pipe, or a full disk behind the output is no reason to stop working.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


class Output:
    """Standard output and standard error of a command.

    Args:
        console: where to print instead.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._out, self._err = _Stream(sys.stdout), _Stream(sys.stderr)
        self._console = console

    def text(self, text: str) -> None:
        """Prints the text and nothing else."""
        self._out.write(text)

    def say(self, *lines: str) -> None:
        """Prints lines, wrapped to the terminal."""
        for line in lines:
            self._print(line)

    def paths(self, **paths: object) -> None:
        """Prints where things are, a line each, never wrapped."""
        width = max(map(len, paths)) + 1
        self._rich().print()
        for name, path in paths.items():
            label = f"{name.replace('_', ' ')}:"
            self._rich().print(_plain(f"{label:<{width}} {path}"), soft_wrap=True, highlight=False)

    def warn(self, text: str) -> None:
        """Prints a warning."""
        self._print(text, mark="Warning: ")

    def alarm(self, text: str) -> None:
        """Prints what nobody must overlook, after a blank line."""
        self._print(f"\nWARNING: {text}", style="bold red")

    def headline(self, text: str) -> None:
        """Prints what was found, after a blank line."""
        self._print(f"\n{text}", style="bold")

    def error(self, text: str) -> None:
        """Prints an error on standard error."""
        self._print(text, mark="Error: ", stream=self._err)

    def table(
        self,
        headings: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        title: str = "",
        numbers: Iterable[int] = (),
        bold: Iterable[tuple[int, int]] = (),
        last_apart: bool = False,
        caption: str = "",
    ) -> None:
        """Prints a table.

        Args:
            headings: of the columns.
            rows: the cells, as text.
            title: above it. caption: below it.
            numbers: columns that are set flush right.
            bold: rows and columns of cells in bold.
            last_apart: whether a line sets off the last row.
        """
        from rich.table import Table

        table = Table(
            title=_plain(title) if title else None, title_justify="left",
            caption=_plain(caption) if caption else None, caption_justify="left",
        )  # fmt: skip
        right, strong, cells = set(numbers), set(bold), list(rows)
        for column, heading in enumerate(headings):
            justify = "right" if column in right else "left"
            table.add_column(_plain(heading), justify=justify, overflow="fold")
        for i, row in enumerate(cells):
            styled = [_plain(cell, bold=(i, j) in strong) for j, cell in enumerate(row)]
            table.add_row(*styled, end_section=last_apart and i == len(cells) - 2)
        self._rich().print(table)

    def flush(self) -> None:
        """Hands over what is left, so that nothing fails when the process ends."""
        self._out.flush()
        self._err.flush()

    @property
    def width(self) -> int:
        """Characters of a line of the terminal; 80 elsewhere, unless COLUMNS says otherwise."""
        return self._rich().width

    @property
    def lost(self) -> OSError | None:
        """Why part of standard output could not be written; a reader who left is no such reason."""
        return None if isinstance(self._out.lost, BrokenPipeError) else self._out.lost

    def _print(
        self, text: str, *, mark: str = "", style: str = "", stream: _Stream | None = None
    ) -> None:
        """Wraps to a terminal's width, and not in a file."""
        from rich.text import Text

        console = self._rich(stream)
        line = Text.assemble((mark, "bold red"), (text, style))
        console.print(line, highlight=False, soft_wrap=not console.is_terminal)

    def _rich(self, stream: _Stream | None = None) -> Console:
        from rich.console import Console

        if self._console is not None:
            return self._console
        return Console(file=stream or self._out)  # type: ignore[arg-type]


def _plain(text: str, *, bold: bool = False) -> Any:
    from rich.text import Text

    return Text(text, style="bold" if bold else "")


class _Stream:
    """A text stream that drops what cannot be written, and never raises.

    Args:
        stream: where to write; None where the process has none.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.lost: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def write(self, text: str) -> int:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        known = text.encode(encoding, "replace").decode(encoding)
        self._try(lambda: self._stream.write(known))
        return len(text)

    def flush(self) -> None:
        self._try(lambda: self._stream.flush())

    def _try(self, work: Callable[[], object]) -> None:
        if self._stream is None or self.lost is not None:
            return
        try:
            work()
        except OSError as error:
            self.lost = error
            self._drop()

    def _drop(self) -> None:
        """What is buffered goes to the null device, or Python would try it again at the end."""
        with contextlib.suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)
