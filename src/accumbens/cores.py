"""How many cores this process may use, and that its parts do not fight for them.

JAX, our compiled code and our own threads take one thread for each core. Linear algebra (BLAS) gets
one thread in all: its products here are small, and its threads would wait for the others'.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path

QUOTAS = (
    (Path("/sys/fs/cgroup/cpu.max"), None),
    (Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")),
)
"""Where Linux says what a container may use: microseconds of processor time, and in which period;
one file with both, or two."""
SLURM = "SLURM_CPUS_PER_TASK"
OURS, JAX = "ACCUMBENS_THREADS", "NPROC"
"""How many threads this package, and JAX, take; both are set by `limit_threads`."""
BLAS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def cores() -> int:
    """Cores that this process may use, at least 1.

    The least of those that the machine has, that the process may run on, that its container is
    granted, that SLURM gave to the task, and that $ACCUMBENS_THREADS allows.
    """
    allowed = [os.cpu_count() or 1, *_granted()]
    if hasattr(os, "sched_getaffinity"):
        allowed.append(len(os.sched_getaffinity(0)))
    for name in (SLURM, OURS):
        if (given := os.environ.get(name, "")).isdigit():
            allowed.append(int(given))
    return max(1, min(allowed))


def limit_threads(threads: int | None = None) -> None:
    """For a process that has not imported NumPy or JAX yet: at most so many threads at a time, and
    one for linear algebra. What the user has set by the libraries' own variables stays.

    threads: by default as many as `cores()`.
    """
    for name in BLAS:
        os.environ.setdefault(name, "1")
    if threads is not None:
        os.environ[OURS] = str(threads)
    os.environ.setdefault(JAX, str(cores()))


@contextlib.contextmanager
def one_thread_for_linear_algebra() -> Iterator[None]:
    """The same for the linear algebra of a process that runs already, while the context lasts."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


def _granted() -> list[int]:
    """By the container, rounded up; nothing where it does not say, or sets no limit."""
    for first, second in QUOTAS:
        with contextlib.suppress(OSError, ValueError):
            words = first.read_text().split() + (second.read_text().split() if second else [])
            quota, period = (float(word) for word in words)
            if quota > 0 and period > 0:
                return [math.ceil(quota / period)]
    return []
