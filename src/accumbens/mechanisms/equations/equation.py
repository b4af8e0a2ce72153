"""One equation: the terms of one latent's update, of one choice's log-odds, or of one signal."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from .library import Library
from .scales import Scale


@dataclasses.dataclass(frozen=True)
class Equation:
    """A sum of weighted terms.

    Attributes:
        of: the latent's name, the choice's number as text, or the signal's name.
        terms: its terms.
        weight: of each term.
        draws: weights in resamples of sessions, with the same terms.
        inclusion: share of resamples in which each term is among the fewest that explain as much.
        unexplained: share of what the network does that the terms leave (mean square along the
            network's own trajectory).
    """

    of: str
    terms: Library
    weight: Float[np.ndarray, " term"]
    draws: Float[np.ndarray, "draw term"]
    inclusion: Float[np.ndarray, " term"]
    unexplained: float

    def affine(
        self,
        k: int,
        choice: int,
        outcome: Float[np.ndarray, " outcome"],
        weight: Float[np.ndarray, "draw term"],
    ) -> tuple[Float[np.ndarray, " draw"], Float[np.ndarray, " draw"], bool]:
        """After one choice and outcome: the slope along latent k, the constant, and whether there
        is nothing else.

        Args:
            k: number of the latent.
            choice, outcome: what came.
            weight: of its terms, any number of sets.
        """
        factor = self.terms.choice_factor[:, choice] * np.prod(outcome**self.terms.outcome_power, 1)
        powers = self.terms.latent_power
        alone = np.zeros(powers.shape[1], int)
        constant = (powers == alone).all(1)
        if len(alone):
            alone[k] = 1
        slope = (powers == alone).all(1) & ~constant
        active = np.abs(factor) > 0
        only = not (active & ~constant & ~slope).any()
        return (weight[..., slope] @ factor[slope], weight[..., constant] @ factor[constant], only)

    def rescaled(
        self, factors: Float[np.ndarray, "one_and_draws latent"], k: int | None = None
    ) -> Equation:
        """The same with latents in other units: what was `factor` becomes 1.

        Args:
            factors: of each latent; first for the equation, then for each resample.
            k: the latent whose update it is; None for a rule.
        """
        change = np.prod(factors[:, None, :] ** self.terms.latent_power, axis=2)
        if k is not None:
            change = change / factors[:, k : k + 1]
        return dataclasses.replace(
            self, weight=self.weight * change[0], draws=self.draws * change[1:]
        )


def unit_factors(
    updates: tuple[Equation, ...], scales: tuple[Scale, ...], n_draws: int
) -> Float[np.ndarray, "one_and_draws latent"]:
    """Where each latent's update draws it in its unit's own condition, so that this can be made 1.

    1 where there is no such condition, or the latent is not drawn anywhere near.
    """
    factors = np.ones((1 + n_draws, len(updates)))
    for k, (equation, scale) in enumerate(zip(updates, scales, strict=True)):
        if scale.reference is None:
            continue
        choice, outcome = scale.reference
        weights = np.vstack([equation.weight, equation.draws])
        slope, constant, only = equation.affine(k, choice, np.asarray(outcome, float), weights)
        if not only:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            target = -constant / slope
        if 0.2 < target[0] < 5:
            factors[:, k] = np.where(np.isfinite(target) & (target > 0), target, 1.0)
    return factors
