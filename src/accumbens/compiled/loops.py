"""Which implementation of a recurrent loop is wanted, and what is said where it cannot be had."""

from __future__ import annotations

import os
import warnings
from typing import Literal

from ..errors import ConfigError

VARIABLE = "ACCUMBENS_LOOP"
"""Environment variable: `auto` (default), `scan` or `compiled`."""

_said: set[str] = set()


def wanted_loop() -> Literal["auto", "scan", "compiled"]:
    """What the environment asks for.

    Raises:
        ConfigError: it is not a known name.
    """
    wanted = os.environ.get(VARIABLE, "auto")
    if wanted not in ("auto", "scan", "compiled"):
        raise ConfigError(f"{VARIABLE} is {wanted!r}; choose auto, scan or compiled.")
    return wanted


def refuse_scan(reason: str) -> None:
    """Raises ConfigError where the scan would run though the environment asks for compiled code.

    Args:
        reason: why no compiled code runs.
    """
    if wanted_loop() == "compiled":
        raise ConfigError(
            f"{VARIABLE} asks for the compiled loop, which cannot be used here: {reason}."
        )


def say_slow(models: str, reason: str) -> None:
    """Warns, once a reason, that such models train with the plain scan."""
    if (said := f"{models} train slowly here, with the plain scan: {reason}.") not in _said:
        _said.add(said)
        warnings.warn(said, stacklevel=3)
