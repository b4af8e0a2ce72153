"""What the rows must show, and which rows miss it.

Predictions, in every row: at least 2,000 training trials: the disRNN at most 0.0005 below the best
cognitive model of version 0.1.0 (held-out normalized likelihood, that best picked after the fact);
at least 5,000: at least 99.7 % of the generating agent's likelihood; whatever the size: at most
0.001 below a fixed bias. Structure, where there are at least 5,000 training trials: open latents
are as many as the agent's variables in at least 8 of 10 draws, for each of four generators and each
size. A row that failed misses all that asks for its size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from .store import Record

ENOUGH, MANY = 2_000, 5_000
"""Training trials from which the first criterion, and the second and that of structure, ask."""
BELOW_COGNITIVE, BELOW_BIAS = 5e-4, 1e-3
SHARE_OF_AGENT = 0.997
SHARE_OF_DRAWS = 0.8
STRUCTURE = ("q_learning", "structure_savvy", "one_variable", "bias")
"""Generators whose number of variables must be found."""


class Finding(NamedTuple):
    """One criterion on some rows. asked: how many rows it asks. misses: what missed it, in words,
    by key. demanded: how many of the asked must meet it; None: all."""

    criterion: str
    asked: int
    misses: dict[str, str]
    demanded: float | None = None

    @property
    def n_met(self) -> int:
        """Of the rows that are asked."""
        return self.asked - len(self.misses)

    @property
    def met(self) -> bool | None:
        """None where no row is asked."""
        if not self.asked:
            return None
        return self.n_met >= (self.asked if self.demanded is None else self.demanded)


def training_trials(row: Record) -> float:
    """Of a failed row as far as its size says: those of a generator, and of a table enough."""
    if "training_trials" in row:
        return row["training_trials"]
    return row["sessions"] * row["trials"] / 2 if row["group"] == "agent" else float("inf")


def below(row: Record, opponent: str) -> float:
    """By how much the disRNN's held-out normalized likelihood is below the opponent's."""
    return -row["against"][opponent]["difference"][0]


def share_of_agent(row: Record) -> float:
    """The disRNN's held-out normalized likelihood as a share of the generating agent's."""
    return row["likelihood"]["disrnn"] / row["likelihood"]["agent"]


def predictions(rows: Sequence[Record]) -> list[Finding]:
    """The three criteria of prediction."""

    def behind(row: Record, opponent: str) -> str:
        against = row["against"][opponent]
        return f"{below(row, opponent):.4f} below {against['model']}{interval(against)}"

    has_agent = [r for r in rows if r["group"] != "table"]
    return [
        _finding(
            f"at most {BELOW_COGNITIVE} below the best cognitive model of 0.1.0 "
            f"({ENOUGH:,} training trials or more)",
            [r for r in rows if training_trials(r) >= ENOUGH],
            lambda r: below(r, "cognitive_0_1_0") <= BELOW_COGNITIVE,
            lambda r: behind(r, "cognitive_0_1_0"),
        ),
        _finding(
            f"at least {SHARE_OF_AGENT:.1%} of the agent's likelihood ({MANY:,} or more)",
            [r for r in has_agent if training_trials(r) >= MANY],
            lambda r: share_of_agent(r) >= SHARE_OF_AGENT,
            lambda r: f"{share_of_agent(r):.2%}",
        ),
        _finding(
            f"at most {BELOW_BIAS} below a fixed bias (any size)",
            rows,
            lambda r: below(r, "bias") <= BELOW_BIAS,
            lambda r: behind(r, "bias"),
        ),
    ]


def structure(rows: Sequence[Record]) -> list[Finding]:
    """The criterion of structure, one finding a generator and size."""
    found = []
    for name in STRUCTURE:
        own = [
            r for r in rows
            if r["group"] == "agent" and r["name"] == name and training_trials(r) >= MANY
        ]  # fmt: skip
        for size in sorted({(r["sessions"], r["trials"]) for r in own}):
            alike = [r for r in own if (r["sessions"], r["trials"]) == size]
            finding = _finding(
                f"open latents of {name}, {size[0]} x {size[1]}",
                alike,
                lambda r: r["open_latents"] == r["state_variables"],
                lambda r: f"{r['open_latents']} instead of {r['state_variables']}",
            )
            found.append(finding._replace(demanded=SHARE_OF_DRAWS * len(alike)))
    return found


def demonstrations(rows: Sequence[Record]) -> list[Finding]:
    """Whether every seed of the demonstration meets all criteria of the synthetic set."""
    own = [r for r in rows if r["group"] == "demonstration"]

    def why(row: Record) -> str:
        found = row["recovered"]
        return (
            f"{found['n_open']} open latents, {found['ratio']:.2%} of the agent's likelihood, "
            f"Q-values R2 {min(found['q_r2']):.3f}, dopamine MSE {found['mse']:.5f}, its network "
            f"reads {', '.join(found['read'])}"
        )

    name = "all criteria of the synthetic set, seeds of the demonstration"
    return [_finding(name, own, lambda r: r["recovered"]["met"], why)]


def interval(against: Record) -> str:
    """` [low, high]` of the difference; nothing where there is none."""
    _, low, high = against["difference"]
    return "" if low is None or high is None else f" [{low:+.4f}, {high:+.4f}]"


def _finding(
    criterion: str, asked: Sequence[Record], met: Callable[[Record], bool],
    why: Callable[[Record], str],
) -> Finding:  # fmt: skip
    misses = {}
    for row in asked:
        if "error" in row:
            misses[row["key"]] = f"failed: {row['error']}"
        elif not met(row):
            misses[row["key"]] = why(row)
    return Finding(criterion, len(asked), misses)
