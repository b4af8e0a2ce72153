"""Models for which a reward is all or nothing, or a part of a full one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool, Float

from ..errors import DataError
from ..trials import Trials
from .cognitive import CognitiveModel


class UnitReward(CognitiveModel):
    """A cognitive model whose mathematics needs rewards from 0 (none) to 1 (full).

    Rewards in another coding, such as -1 and 1, are brought to it: (r - none) / (full - none). A
    fit to trials with two different rewards takes them as none and full; more than two (graded
    rewards) must lie from 0 to 1. Prediction errors are in units of a full reward.

    Args:
        reward_range: What the outcome column says for no reward, and for a full one.
    """

    reward_range: tuple[float, float] = eqx.field(static=True, default=(0.0, 1.0), kw_only=True)

    @property
    def reward_columns(self) -> tuple[int, ...]:
        """The outcome columns that are such rewards."""
        return (self.reward,)

    def in_units(self, reward: Float[Array, ""]) -> Float[Array, ""]:
        """A reward as the table has it, from 0 (none) to 1 (full)."""
        none, full = self.reward_range
        return (reward - none) / (full - none)

    def reward_of(self, outcome: Float[Array, " outcome"]) -> Float[Array, ""]:
        return self.in_units(super().reward_of(outcome))

    def suited_to(self, datasets: Sequence[Trials]) -> CognitiveModel:
        seen = [np.unique(self._rewards(trials)[trials.valid]) for trials in datasets]
        values = np.unique(np.concatenate(seen))
        if len(values) == 2 and self.reward_range == (0.0, 1.0):  # not stated otherwise
            return dataclasses.replace(self, reward_range=(float(values[0]), float(values[1])))
        for trials in datasets:
            self.check_outcomes(trials)
        return self

    def check_outcomes(self, trials: Trials) -> None:
        outside = self._outside(trials)
        if not outside.any():
            return
        session, trial, place = (int(i) for i in np.argwhere(outside)[0])
        column = self.reward_columns[place]
        none, full = self.reward_range
        raise DataError(
            f"{self.name} takes rewards from {none:g} (none) to {full:g} (full), but outcome "
            f"{trials.names.outcomes[column]} is {trials.outcome[session, trial, column]:g} in "
            f"session {trials.session_labels[session]}, trial {trials.number[session, trial]}. "
            "Scale the column (subtract the smallest reward, divide by the range), or leave this "
            "model out."
        )

    def _rewards(self, trials: Trials) -> Float[np.ndarray, "session trial column"]:
        known = [c for c in self.reward_columns if c < trials.outcome.shape[2]]
        return trials.outcome[..., known]

    def _outside(self, trials: Trials) -> Bool[np.ndarray, "session trial column"]:
        none, full = self.reward_range
        rewards = np.where(trials.valid[..., None], self._rewards(trials), none)
        return (rewards < none) | (rewards > full)
