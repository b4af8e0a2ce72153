"""One Ctrl-C stops within two seconds, whatever the process is doing, and says how to go on.

Python acts on a signal between two of its own steps, so that compiled code or a wait for other
threads can hold it up for long. A thread that the system wakes directly watches the time: it lets
the work save what it has reached, and after that ends the process. A second Ctrl-C ends it at once.
Files are written whole or not at all, so that a run folder can be resumed whenever that happens.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType

from ..files import abandon

SECONDS_TO_SAVE = {signal.SIGINT: 1.5, signal.SIGTERM: 15.0}
"""How long the work may go on. Clusters send SIGTERM some 30 s before they kill."""
SHOW_CURSOR = "\x1b[?25h"


def _nothing_begun() -> str:
    return "Nothing was begun."


class Interrupts:
    """Watches for Ctrl-C and SIGTERM while its context lasts.

    Args:
        ends_process: whether an interrupt ends the process. Without it, or outside of the main
            thread, nothing is watched and `end` only says what to do.
    """

    def __init__(self, *, ends_process: bool) -> None:
        self._number = signal.SIGINT
        in_main = threading.current_thread() is threading.main_thread()
        self._ends = ends_process and in_main
        self.advice: Callable[[], str] = _nothing_begun
        self._said = threading.Lock()

    def __enter__(self) -> Interrupts:
        if self._ends:
            self._reader, self._writer = socket.socketpair()
            self._writer.setblocking(False)
            self._terminate = signal.signal(signal.SIGTERM, self._interrupt)
            self._wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
            threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._ends:
            signal.set_wakeup_fd(self._wakeup)
            signal.signal(signal.SIGTERM, self._terminate)
            self._writer.close()

    def end(self) -> None:
        """Says what is kept and how to go on; ends the process if it is to be ended."""
        if self._said.acquire(blocking=False):
            stream = sys.stderr
            with contextlib.suppress(OSError, ValueError, AttributeError):
                cursor = SHOW_CURSOR if stream.isatty() else ""
                text = f"{cursor}\nInterrupted. {self.advice()}\n"
                if self._ends:  # past Python's buffer, which a thread that hangs may hold
                    os.write(stream.fileno(), text.encode())
                else:
                    stream.write(text)
        if self._ends:
            abandon()
            os._exit(128 + self._number)

    def _watch(self) -> None:
        with self._reader as reader:
            received = reader.recv(1)
            while received and received[0] not in SECONDS_TO_SAVE:
                received = reader.recv(1)
            if not received:
                return  # the command has ended
            self._number = signal.Signals(received[0])
            reader.settimeout(SECONDS_TO_SAVE[self._number])
            with contextlib.suppress(TimeoutError):
                reader.recv(1)
            self.end()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._number = signal.Signals(number)
        raise KeyboardInterrupt
