"""What the columns of probabilities are called."""

from __future__ import annotations


def probability_columns(outcome: str, n_choices: int) -> tuple[str, ...]:
    """The names of the context columns that can hold an outcome's probability.

    Returns:
        `<outcome>_probability`, whatever the choice; then, one for each choice,
        `<outcome>_probability_0`, `<outcome>_probability_1`, ... All tasks of accumbens name the
        columns of their context so.
    """
    name = f"{outcome}_probability"
    return (name, *(f"{name}_{choice}" for choice in range(n_choices)))
