"""Fitted disRNNs as a consensus reads them: the network, its score, and what it leaned on."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from ..errors import DataError, expect
from ..models.disrnn import DisRNN


@dataclasses.dataclass(frozen=True)
class NetworkFit:
    """One fitted disRNN among several of the same sessions.

    Args:
        name: by which tables and sentences call the fit.
        model: the fitted disRNN.
        held_out: log likelihood of the choices of each held-out session, in nats; None where no
            session was held out.
        n_scored: choices scored in each of these sessions.
        guide: the cognitive model that the network leaned on while it was fitted; None for none.
        share: of that model's predictions in what the network was fitted to; 1 is a copy of it.

    Raises:
        ConfigError: `model` is not a disRNN.
        DataError: `held_out` and `n_scored` do not belong together.
    """

    name: str
    model: DisRNN
    held_out: Float[np.ndarray, " session"] | None = None
    n_scored: Float[np.ndarray, " session"] | None = None
    guide: str | None = None
    share: float = 0.0

    def __post_init__(self) -> None:
        expect(self.model, DisRNN, "model", "Give a fitted one: load_run(folder).disrnn.")
        held_out, n_scored = self.held_out, self.n_scored
        if held_out is None and n_scored is None:
            return
        if held_out is None or n_scored is None:
            raise DataError(f"The fit {self.name}: give held_out and n_scored both, or neither.")
        if len(held_out) != len(n_scored):
            raise DataError(
                f"The fit {self.name}: held_out has {len(held_out)} sessions, n_scored "
                f"{len(n_scored)}. Give one number of each for every session."
            )
