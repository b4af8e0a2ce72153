"""How many cores this process may use."""

from __future__ import annotations

import contextlib
import math
import os
from pathlib import Path

QUOTAS = (
    (Path("/sys/fs/cgroup/cpu.max"), None),
    (Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")),
)
"""Where Linux says what a container may use: microseconds of processor time, and in which period;
one file with both, or two."""
SLURM = "SLURM_CPUS_PER_TASK"


def cores() -> int:
    """Cores that this process may use, at least 1.

    The least of those that the machine has, that the process may run on, that its container is
    granted, and that SLURM gave to the task.
    """
    allowed = [os.cpu_count() or 1, *_granted()]
    if hasattr(os, "sched_getaffinity"):
        allowed.append(len(os.sched_getaffinity(0)))
    slurm = os.environ.get(SLURM, "")
    if slurm.isdigit():
        allowed.append(int(slurm))
    return max(1, min(allowed))


def _granted() -> list[int]:
    """By the container, rounded up; nothing where it does not say, or sets no limit."""
    for first, second in QUOTAS:
        with contextlib.suppress(OSError, ValueError):
            words = first.read_text().split() + (second.read_text().split() if second else [])
            quota, period = (float(word) for word in words)
            if quota > 0 and period > 0:
                return [math.ceil(quota / period)]
    return []
