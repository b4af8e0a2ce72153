"""What a user chooses about tests of units."""

from __future__ import annotations

from typing import Literal

Test = Literal["schedule", "linear_shift", "session_permutation"]

Kind = Literal["response", "association"]
"""What a test finds: a response to the outcome, or an association with it."""


def kind_of_test(test: Test) -> Kind:
    """What `test` finds. Only redrawn rewards are independent of all that came before them."""
    return "response" if test == "schedule" else "association"
