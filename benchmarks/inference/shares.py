"""How a share is printed: with its binomial (Wilson) interval of 95 %."""

from __future__ import annotations

from accumbens.scoring.intervals import wilson_interval


def share(k: int, n: int) -> str:
    """k of n, as a share with its interval."""
    low, high = wilson_interval(int(k), int(n))
    return f"{k / n:.3f} ({low:.3f}, {high:.3f})"
