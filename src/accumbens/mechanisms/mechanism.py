"""Mechanisms that fits have in common, as numbers, tables and sentences."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from ..scoring.evaluation import Estimate
from ..summary import Summary, between, counted, listed, summarized
from .anatomy import Anatomy
from .config import ConsensusConfig

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True)
class Mechanism:
    """Fits that do the same.

    Attributes:
        number: from 1.
        members: names of the fits.
        representative: the member that is most like the others.
        anatomy: what the representative does.
        latents: what moves each of its latents and what reads it, in words.
        r2: of members' latents with those of the representative, after alignment: the median over
            the other members, of each latent; empty with one member.
        updates_r2: the same of how latents move.
        held_out: normalized likelihood of held-out sessions, mean over members; None without any.
        above_chance: log likelihood per choice (nats) above that of a fixed bias.
        above_first: the same above that of the first mechanism, on sessions that both have held
            out; None of the first, and where there are none.
        leaned_on: cognitive models that members leaned on, and how many leaned on each.
        copies: how many members are copies of such a model (share 1).
        differs: what it disagrees about with the first mechanism; empty of the first.
    """

    number: int
    members: tuple[str, ...]
    representative: str
    anatomy: Anatomy
    latents: tuple[str, ...]
    r2: Float[np.ndarray, " latent"]
    updates_r2: Float[np.ndarray, " latent"]
    held_out: Estimate | None
    above_chance: Estimate | None
    above_first: Estimate | None
    leaned_on: dict[str, int]
    copies: int
    differs: str

    @property
    def n_latents(self) -> int:
        """How many latents are used."""
        return self.anatomy.n_latents


@summarized
@dataclasses.dataclass(frozen=True)
class Consensus:
    """What several fits agree on.

    Attributes:
        mechanisms: first the most frequent one that no other predicts better than; then the most
            frequent; of as frequent ones, the one that predicts better.
        n_fits: how many fits there are.
        config: the thresholds.
        passed_over: how many mechanisms were found more often than the first, or as often, and
            predict held-out choices worse than another one.
    """

    mechanisms: tuple[Mechanism, ...]
    n_fits: int
    config: ConsensusConfig
    passed_over: int = 0

    @property
    def first(self) -> Mechanism:
        """The mechanism whose representative stands for all fits."""
        return self.mechanisms[0]

    @property
    def nothing_found(self) -> bool:
        """Whether no memory was found: the first mechanism uses no latent, or is not better than a
        fixed bias on held-out sessions (its interval holds 0)."""
        above = self.first.above_chance
        worse = above is not None and bool(above.low <= 0)
        return self.first.n_latents == 0 or worse

    @property
    def sentence(self) -> str:
        """What was found and how often, in words."""
        n, first = self.n_fits, self.first
        kinds = counted(len(self.mechanisms), "distinct mechanism")
        if first.n_latents == 0:
            return (
                f"Nothing found: {len(first.members)} of {counted(n, 'fit')} "
                f"{'has' if len(first.members) == 1 else 'have'} no latent in use, so choices "
                "depend on no past trial that these networks could see."
            )
        above = first.above_chance
        if self.nothing_found and above is not None:
            nats = f"{above.value:.4f} nats per choice ({above.low:.4f}, {above.high:.4f})"
            beginning = "Nothing found" if above.value <= 0 else "Not told apart from chance"
            return (
                f"{beginning}: on held-out sessions the first mechanism, found "
                f"{len(first.members)} of {n} times, is {nats} above a fixed bias, an interval "
                "that holds 0. Do not interpret its latents."
            )
        if n == 1:
            return (
                f"{kinds} in 1 fit, with {counted(first.n_latents, 'latent')}. One fit is no "
                "agreement: fit more, with accumbens sweep."
            )
        if len(first.members) == 1:
            return (
                f"No two of {n} fits agree. Mechanism 1, with "
                f"{counted(first.n_latents, 'latent')}, is the one that predicts best; do not "
                "interpret it."
            )
        which = "first" if self.passed_over else "most frequent"
        said = (
            f"{kinds} in {counted(n, 'fit')}. The {which} one, with "
            f"{counted(first.n_latents, 'latent')}, was found {len(first.members)} of {n} times."
        )
        if self.passed_over:
            said += (
                f" {counted(self.passed_over, 'mechanism')} found as often or more often "
                f"{'predicts' if self.passed_over == 1 else 'predict'} held-out choices worse than "
                "another one. Held-out sessions decided this, so the score of the first is a "
                "little too good."
            )
        return said

    def to_frame(self) -> pd.DataFrame:
        """One row a mechanism, as a DataFrame."""
        import pandas as pd

        return pd.DataFrame([_row(m, self.n_fits) for m in self.mechanisms])

    def latents_to_frame(self) -> pd.DataFrame:
        """One row for each input of each latent of each mechanism's representative, as a DataFrame:
        mechanism, latent, input, effect (share of the variance of the latent's changes), readout
        (share of the variance of the log-odds), r2 among members."""
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for m in self.mechanisms:
            for i, latent in enumerate(m.anatomy.latents):
                for j, source in enumerate(m.anatomy.inputs):
                    row = {"mechanism": m.number, "latent": latent, "input": source}
                    row |= {"effect": float(m.anatomy.effects[i, j])}
                    row |= {"readout": float(m.anatomy.readout[i])}
                    row |= {"r2": float(m.r2[i]) if len(m.r2) else float("nan")}
                    rows.append(row)
        columns = ["mechanism", "latent", "input", "effect", "readout", "r2"]
        return pd.DataFrame(rows, columns=pd.Index(columns))

    def as_dict(self) -> dict[str, Any]:
        """Everything as nested dictionaries of numbers and words, ready for JSON."""
        return {
            "n_fits": self.n_fits,
            "nothing_found": self.nothing_found,
            "passed_over": self.passed_over,
            "sentence": self.sentence,
            "thresholds": dataclasses.asdict(self.config),
            "mechanisms": [
                _row(m, self.n_fits)
                | {
                    "members": list(m.members), "latents": list(m.latents),
                    "r2": m.r2.tolist(), "updates_r2": m.updates_r2.tolist(),
                    "leaned_on": m.leaned_on,
                }
                for m in self.mechanisms
            ],
        }  # fmt: skip

    def _summary(self) -> Summary:
        heads = ["mechanism", "found", "latents", "normalized likelihood", "R2 of latents"]
        rows = [
            [
                str(m.number), f"{len(m.members)} of {self.n_fits}", str(m.n_latents),
                between(*(m.held_out or (None, None, None))),
                ", ".join(f"{x:.2f}" for x in m.r2) or "–",
            ]
            for m in self.mechanisms
        ]  # fmt: skip
        notes = [f"Mechanism {m.number}: {m.differs}" for m in self.mechanisms if m.differs]
        facts = [(f"mechanism 1, {name}", text) for name, text in _latents(self.first)]
        return Summary(f"Consensus: {self.sentence}", facts, [heads, *rows], notes)


def _latents(mechanism: Mechanism) -> list[tuple[str, str]]:
    return list(zip(mechanism.anatomy.latents, mechanism.latents, strict=True))


def _row(m: Mechanism, n_fits: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "mechanism": m.number, "found": len(m.members), "fits": n_fits,
        "latents_used": m.n_latents, "representative": m.representative,
    }  # fmt: skip
    for name, value in (
        ("normalized_likelihood", m.held_out), ("above_chance", m.above_chance),
        ("above_first", m.above_first),
    ):  # fmt: skip
        low, high = (None, None) if value is None else value[1:]
        row |= {name: None if value is None else value.value}
        row |= {f"{name}_low": low, f"{name}_high": high}
    row |= {
        "r2_of_latents": float(m.r2.min()) if len(m.r2) else None,
        "r2_of_updates": float(m.updates_r2.min()) if len(m.updates_r2) else None,
        "copies": m.copies,
        "leaned_on_models": listed([f"{name} ({n})" for name, n in m.leaned_on.items()]),
        "what_it_does": "; ".join(f"{name} {text}" for name, text in _latents(m)) or "nothing",
        "differs": m.differs,
    }
    return row
