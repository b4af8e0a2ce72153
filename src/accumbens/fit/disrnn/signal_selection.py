"""The signal networks' penalties, and how far they lean on a cognitive model of the signals, chosen
by held-out signal error inside the training sessions.

Core and choice network stay as they are. Along a route the signal networks are trained without each
fold, and scored on it without noise, at one factor of the penalties after the other, each going on
from the last. Routes differ in the share of the cognitive model in what is fitted (`signal_guides`)
and in the numbers that describe each subject. The model is leaned on only where it predicts better
than networks fitted to the signals alone, and these miss what folds hold out by more than what they
are fitted to: leaning helps against noise, and against nothing else. The simplest whose error lies
within `TOLERANCE` of the lowest are taken: without such numbers rather than with, then the
strongest penalties. They are trained again on everything, in the same way.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from ...models.disrnn import DisRNN
from ...progress.base import Progress
from ...trials import Trials
from .config import RecipeConfig
from .objectives import ReadOutData
from .preparation import latents_before, with_unseen_subjects
from .signal_walks import SignalCandidate, SignalRoute, SignalWalks

SHARES = (0.5, 1.0)
"""Shares of the guide in what signal networks are fitted to, where it predicts better than networks
that are fitted to the signals alone."""
TOLERANCE = 1e-3
"""Share of the variance of signals that stronger penalties may cost, and by which a guide is ahead
to be tried."""


class SignalSelection(NamedTuple):
    """The model with signal networks fitted to all trials, and how they were chosen.

    chosen: index of the candidate that was taken. guide: name of the cognitive model that routes
    lean on. of_guides: `SignalCandidate.error` of each guide that was tried.
    """

    model: DisRNN
    history: dict[str, Float[np.ndarray, " step"]]
    candidates: list[SignalCandidate]
    chosen: int
    guide: str
    of_guides: dict[str, float]

    @property
    def candidate(self) -> SignalCandidate:
        """The one that was taken."""
        return self.candidates[self.chosen]

    @property
    def better_than_outcome(self) -> bool:
        """Whether the networks predict held-out signals better than the mean after each outcome."""
        return self.candidate.error < self.of_guides["naive"]


def select_signal_networks(
    model: DisRNN,
    trials: Trials,
    recipe: RecipeConfig,
    *,
    folds: int,
    embedding: int = 0,
    key: PRNGKeyArray,
    progress: Progress | None = None,
    part: Trials | None = None,
) -> SignalSelection:
    """`model` with signal networks for the signals of `trials`.

    folds: parts of the sessions, each held out once. embedding: numbers that describe each subject,
    tried beside none with the best share and with a share of 0; 0: not tried. key: of starts and
    noise. part: sessions inside which to choose, where these are many; no cognitive model is then
    leaned on, since there are trials enough to do without.
    """
    progress = (progress or Progress()).within("")
    inside = trials if part is None else part
    walks = SignalWalks(model, inside, recipe, folds, key, progress)
    walks.walk(SignalRoute(0.0, 0))
    alone = walks.best
    ahead = alone.error - walks.guide.error[walks.guide.name]
    if part is None and min(ahead, alone.error - alone.fitted) > TOLERANCE:
        for share in SHARES:
            walks.walk(SignalRoute(share, 0))
    if embedding and len(np.unique(inside.subject)) > 1:
        for share in dict.fromkeys((walks.best.route.share, 0.0)):  # the guide tells none apart
            walks.walk(SignalRoute(share, embedding))
    chosen = simplest(walks.candidates)
    data = walks.data
    if part is None:
        stretches = walks.everything(walks.candidates[chosen])
    else:
        batch = jax.tree.map(jnp.asarray, trials.batch())
        data = ReadOutData.of_valid_trials(batch, latents_before(model, batch))
        stretches = walks.beyond(walks.candidates[chosen], trials, data)
    fitted = with_unseen_subjects(stretches[-1].model, data.batch)
    terms = stretches[0].history
    history = {term: np.concatenate([done.history[term] for done in stretches]) for term in terms}
    return SignalSelection(
        fitted, history, walks.candidates, chosen, walks.guide.name, walks.guide.error
    )


def simplest(candidates: list[SignalCandidate]) -> int:
    """Number of the candidate to take: of those whose error is within `TOLERANCE` of the lowest,
    with the best one's share, the smallest embedding, then the strongest penalties."""
    best = min(candidates, key=lambda c: c.error)
    good = [
        i for i, c in enumerate(candidates)
        if c.route.share == best.route.share and c.error <= best.error + TOLERANCE
    ]  # fmt: skip
    return min(good, key=lambda i: (candidates[i].route.embedding, -candidates[i].factor))
