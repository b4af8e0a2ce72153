"""The controllable flavour of each animal, and the test with flavours balanced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...credit.flavour import BalancedFlavours, balanced_over_flavours
from ...credit.randomization import RandomizationTest
from ...errors import DataError
from ...io.tables.levels import session_levels
from ...trials import Trials
from .config import CreditConfig


def read_flavours(table: str | Path, trials: Trials, config: CreditConfig) -> dict[str, str] | None:
    """The flavour of the controllable reward of each subject, from a column of the table.

    Args:
        table: from which the trials were read.
        trials: of the table.
        config: names the column.

    Returns:
        The flavour of each subject by its name; None where no column is named.

    Raises:
        DataError: there is no such column, it has several flavours for a subject, or none.
    """
    if config.flavour is None:
        return None
    levels = session_levels(table, config.flavour, config.format, option="--flavour")
    found: dict[str, str] = {}
    for label, subject in zip(trials.session_labels, trials.subject, strict=True):
        name = trials.names.subjects[subject]
        level = levels.get(label)
        if level is None:
            continue
        if found.setdefault(name, level) != level:
            raise DataError(
                f"The column {config.flavour!r} gives {name} two controllable flavours, "
                f"{found[name]} and {level} (in session {label}). An animal has one flavour "
                "throughout; name the animal anew where its flavours were exchanged."
            )
    lacking = [name for name in trials.names.subjects if name not in found]
    if lacking:
        raise DataError(
            f"The column {config.flavour!r} is blank for {', '.join(lacking)}. Fill in the flavour "
            "of its controllable reward."
        )
    return found


def balanced_tests(
    tests: Sequence[RandomizationTest], flavours: Mapping[str, str] | None
) -> tuple[tuple[BalancedFlavours, ...], tuple[str, ...]]:
    """The tests of one index above another, with the flavours of the controllable reward balanced.

    Args:
        tests: all tests; those of an index above 0 are passed over.
        flavours: of each subject by its name; or None.

    Returns:
        The results; and warnings: why flavours cannot be balanced.

    Raises:
        DataError: there are more than two flavours.
    """
    if flavours is None:
        return (), ()
    structure = [test for test in tests if not test.name.endswith(" > 0")]
    if not structure:
        return (), (
            "The flavours of the controllable reward are stated, but there is no test in which "
            "they can be balanced: that needs the probabilities of both rewards.",
        )
    results = [balanced_over_flavours(test, flavours) for test in structure]
    found = tuple(result for result, _ in results if result is not None)
    return found, tuple(dict.fromkeys(why for _, why in results if why))


def flavour_metrics(found: Sequence[BalancedFlavours], test: str) -> dict[str, Any] | None:
    """What metrics.json says of one test with flavours balanced; None where nothing is."""
    for result in found:
        if result.test == test:
            return {**result._asdict(), "in_words": result.in_words}
    return None
