"""A process that calls functions for another one: `python -m accumbens.run.sweep.engines.worker`.

It reads calls from standard input and writes results to standard output, each a pickle after its
length. It ends with its input, that is with the process that began it: what it is doing then, or
when it is told to end, is given some time to save what it has reached.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import struct
import sys
import threading
from pathlib import Path
from typing import IO, Any

from ....cores import limit_threads

SECONDS_TO_SAVE = 15.0
MAPS = Path("/proc/self/maps")
MAX_REGIONS = 20_000
"""Linux lets a process map 65,530 regions of memory; compiled programs keep several each. Beyond
these, a worker asks to be replaced."""
LENGTH = struct.Struct("!Q")


def send(stream: IO[bytes], data: bytes) -> None:
    """Writes a pickle after its length."""
    stream.write(LENGTH.pack(len(data)) + data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Reads what `send` wrote. Raises EOFError where the stream has ended."""
    head = stream.read(LENGTH.size)
    length = LENGTH.unpack(head)[0] if len(head) == LENGTH.size else 0
    data = stream.read(length)
    if not length or len(data) < length:
        raise EOFError
    return pickle.loads(data)


def main() -> None:
    """Calls until the input ends."""
    limit_threads()
    results = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what others print is no result
    calls: queue.SimpleQueue[Any] = queue.SimpleQueue()
    signal.signal(signal.SIGTERM, _interrupt)
    idle = threading.Event()
    threading.Thread(target=_read, args=(calls, idle), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        _keep_programs()
        while (call := calls.get()) is not None:
            send(results, _answer(*call))
    idle.set()


def _answer(work: Any, args: Any, kwargs: Any) -> bytes:
    """Whether the call returned and what it returned or raised, and whether the process is worn."""
    try:
        outcome = True, work(*args, **kwargs)
    except Exception as error:
        outcome = False, error
    try:
        answer = pickle.dumps((outcome, worn()))
        pickle.loads(answer)
        return answer
    except Exception as error:  # what cannot be sent is told in words
        said = error if outcome[0] else outcome[1]
        told = RuntimeError(f"{type(said).__name__}: {said}")
        return pickle.dumps(((False, told), worn()))


def worn() -> bool:
    """Whether so much is compiled that the process should be replaced."""
    with contextlib.suppress(OSError):
        return MAPS.read_bytes().count(b"\n") > MAX_REGIONS
    return False


def _read(calls: queue.SimpleQueue[Any], idle: threading.Event) -> None:
    """Hands calls over; when there will be no more, ends what is under way."""
    stream = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    with contextlib.suppress(EOFError, OSError):
        while True:
            calls.put(receive(stream))
    calls.put(None)
    if not idle.wait(0.5):
        os.kill(os.getpid(), signal.SIGTERM)
        if not idle.wait(SECONDS_TO_SAVE):
            os._exit(1)


def _interrupt(number: int, frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _keep_programs() -> None:
    from ....compiled.programs import keep_programs

    keep_programs()


if __name__ == "__main__":
    main()
