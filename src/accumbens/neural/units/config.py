"""What a user chooses about tests of units."""

from __future__ import annotations

from typing import Literal

Test = Literal["schedule", "linear_shift", "session_permutation"]
