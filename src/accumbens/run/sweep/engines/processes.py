"""An executor of processes of this machine, each of which may end at any moment without harm to the
others or to what waits."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
import typing
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import IO, Any

from ....cores import BLAS, JAX, OURS
from .worker import SECONDS_TO_SAVE, receive, send

MAX_ENDS = 3
"""How often a call is made, where the process that makes it ends before it."""


class ProcessEnded(RuntimeError):
    """The process of a call ended before the call, whenever it was made."""


class Processes(Executor):
    """Calls functions in processes that are started anew: neither forked, nor from a user's script.

    A call whose process ends (killed, or out of memory) is made again in another one, three times
    in all; its future then raises ProcessEnded.

    Args:
        processes: how many there are at a time.
        threads: how many threads each may compute with.
    """

    def __init__(self, processes: int, threads: int = 1) -> None:
        self._calls: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._environment = _environment(threads)
        self._stopping = False
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._serve, daemon=True) for _ in range(processes)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Calls `fn`, which another process can import, with what can be pickled."""
        future: Future[Any] = Future()
        with self._lock:
            if self._stopping:
                raise RuntimeError("the executor has been shut down")
            self._calls.put((future, pickle.dumps((fn, args, kwargs))))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the processes when all calls have been made; at once, with `cancel_futures`, where
        calls under way may save what they have reached."""
        with self._lock:
            first, self._stopping = not self._stopping, True
        if cancel_futures:
            with contextlib.suppress(queue.Empty):
                while (call := self._calls.get_nowait()) is not None:
                    call[0].cancel()
            for process in tuple(self._running):
                process.terminate()
        if first or cancel_futures:
            for _ in self._threads:
                self._calls.put(None)
        if wait:
            for thread in self._threads:
                thread.join(2 * SECONDS_TO_SAVE if cancel_futures else None)

    def _serve(self) -> None:
        """A thread's work: one process at a time makes one call at a time."""
        process: subprocess.Popen[bytes] | None = None
        try:
            while (item := self._calls.get()) is not None:
                future, call = item
                if future.set_running_or_notify_cancel():
                    process = self._make(future, call, process)
        finally:
            self._end(process)

    def _make(
        self, future: Future[Any], call: bytes, process: subprocess.Popen[bytes] | None
    ) -> subprocess.Popen[bytes] | None:
        """Makes a call; the process for the next one."""
        for _ in range(MAX_ENDS):
            try:
                process = self._start() if process is None else process
                send(typing.cast(IO[bytes], process.stdin), call)
                (returned, result), worn = receive(typing.cast(IO[bytes], process.stdout))
            except (EOFError, OSError):
                self._end(process)
                process = None
                if self._stopping:
                    future.set_exception(ProcessEnded("It was stopped; it can be resumed."))
                    return None
                continue
            except Exception as error:  # a result that cannot be read here
                future.set_exception(error)
                self._end(process)
                return None
            (future.set_result if returned else future.set_exception)(result)
            if worn:
                self._end(process)
            return None if worn else process
        future.set_exception(
            ProcessEnded(
                f"Its process ended {MAX_ENDS} times before it did: killed, perhaps because memory "
                "ran out. Try again with fewer processes (--jobs)."
            )
        )
        return process

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", worker_module()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._environment,
            process_group=0,  # Ctrl-C is this process's, which lets its workers save
        )  # fmt: skip
        self._running.add(process)
        return process

    def _end(self, process: subprocess.Popen[bytes] | None) -> None:
        """Lets a process end, and sees to it that it does."""
        if process is None:
            return
        with contextlib.suppress(OSError):
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
        try:
            process.wait(SECONDS_TO_SAVE + 5.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._running.discard(process)


def package_root() -> str:
    """The folder in which the package lies, so that other processes find it."""
    return str(Path(__file__).resolve().parents[4])


def worker_module() -> str:
    """The module that a worker runs."""
    return f"{__package__}.worker"


def _environment(threads: int) -> dict[str, str]:
    """That of this process, in which the package is found and takes so many threads."""
    paths = [package_root(), *filter(None, [os.environ.get("PYTHONPATH")])]
    ours = {"PYTHONPATH": os.pathsep.join(paths), OURS: str(threads), JAX: str(threads)}
    return {**dict.fromkeys(BLAS, "1"), **os.environ, **ours}
