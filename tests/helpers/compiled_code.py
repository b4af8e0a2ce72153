"""Freeing what JAX has compiled, before the system refuses to map more."""

import sys
from pathlib import Path

MAPS = Path("/proc/self/maps")
MAX_REGIONS = 20_000
"""Linux lets a process map 65,530 regions of memory; compiled functions keep several each, and XLA
ends the process when it gets no more."""


def mapped_regions() -> int:
    """Regions of memory that this process has mapped; 0 where the system does not say."""
    return len(MAPS.read_text().splitlines()) if MAPS.is_file() else 0


def free_compiled_code(max_regions: int = MAX_REGIONS) -> None:
    """Forgets all compiled functions if more regions are mapped."""
    if "jax" in sys.modules and mapped_regions() > max_regions:
        sys.modules["jax"].clear_caches()
