"""What many fits agree on: distinct mechanisms, how often each was found, and how well it predicts.

Two fits have the same mechanism where they use as many latents, moved by the same inputs; where
matched latents have the same trajectories along the same sessions, and the same updates; and where
their log-odds of choices are the same. Mechanisms are clusters (complete linkage): every two
members are alike by at least `ConsensusConfig.alike`.

The first mechanism is the most frequent one that no other, found twice or more, beats on held-out
sessions (an interval of the paired difference above 0).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from ..trials import Trials
from .align import Likeness, likeness
from .anatomy import Anatomy, dissect
from .config import ConsensusConfig
from .fits import NetworkFit, check_together
from .mechanism import Consensus, Mechanism
from .scores import above_reference, held_out_of
from .words import differences_in_words, latent_in_words


def find_consensus(
    fits: Sequence[NetworkFit],
    trials: Trials,
    *,
    rng: np.random.Generator,
    config: ConsensusConfig | None = None,
) -> Consensus:
    """What several fitted disRNNs agree on.

    Args:
        fits: of the same table, which differ in start, penalties, sessions or subjects.
        trials: sessions along which all are looked at.
        rng: of the intervals' resamples.
        config: thresholds; by default those of `ConsensusConfig`.

    Returns:
        Distinct mechanisms, how often each was found, how well it predicts, and how they differ.

    Raises:
        ConfigError: there is no fit, or two have one name.
        DataError: a fit is made for other choices or outcomes than the trials have.

    Example:
        >>> import jax, numpy as np
        >>> import accumbens
        >>> from accumbens.mechanisms import NetworkFit, find_consensus
        >>> trials = accumbens.trials_from_arrays(np.array([[1, 1, 0]]), np.ones((1, 3, 1)))
        >>> config = accumbens.models.DisRNNConfig(latents=2)
        >>> network = accumbens.DisRNN.initial(config, key=jax.random.key(0))
        >>> found = find_consensus([NetworkFit("a", network), NetworkFit("b", network)], trials,
        ...                        rng=np.random.default_rng(0))
        >>> [mechanism.members for mechanism in found.mechanisms]
        [('a', 'b')]
    """
    config = ConsensusConfig() if config is None else config
    check_together(fits, trials)
    anatomies = [dissect(fit.model, trials) for fit in fits]
    pairs = {
        (i, j): likeness(anatomies[i], anatomies[j], config.used, config.unused)
        for i in range(len(fits))
        for j in range(i + 1, len(fits))
    }
    distance = np.zeros((len(fits), len(fits)))
    for (i, j), found in pairs.items():
        distance[i, j] = distance[j, i] = found.distance
    n_draws = config.resamples
    groups = _clusters(distance, 1.0 - config.alike)
    groups, passed_over = _in_order(groups, fits, rng, n_draws)
    first_scores = held_out_of([fits[i] for i in groups[0]])
    first = groups[0][_central(distance, groups[0])]
    mechanisms = []
    for number, group in enumerate(groups, 1):
        members = [fits[i] for i in group]
        middle = group[_central(distance, group)]
        others = [_of(pairs, anatomies, config, middle, i) for i in group if i != middle]
        scores = held_out_of(members)
        leaned = [fit.leaned_on for fit in members if fit.leaned_on is not None]
        mechanisms.append(
            Mechanism(
                number=number,
                members=tuple(fit.name for fit in members),
                representative=fits[middle].name,
                anatomy=anatomies[middle],
                latents=tuple(t for _, t in _words(anatomies[middle], config)),
                r2=_median([found.alignment.r2 for found in others]),
                updates_r2=_median([found.updates for found in others]),
                held_out=None if scores is None else scores.likelihood(rng, n_draws),
                above_chance=None if scores is None else scores.above_chance(rng, n_draws),
                above_first=None if number == 1 else above_reference(
                    scores, first_scores, rng, n_draws
                ),
                leaned_on={name: leaned.count(name) for name in sorted(set(leaned))},
                copies=sum(fit.share == 1 and fit.guide is not None for fit in members),
                differs="" if number == 1 else differences_in_words(
                    anatomies[first], anatomies[middle],
                    _of(pairs, anatomies, config, first, middle), config,
                ),
            )
        )  # fmt: skip
    return Consensus(tuple(mechanisms), len(fits), config, passed_over)


def _of(pairs, anatomies, config: ConsensusConfig, i: int, j: int) -> Likeness:
    """How alike fits i and j are, with i as the reference."""
    known = pairs.get((i, j))
    if known is not None:
        return known
    return likeness(anatomies[i], anatomies[j], config.used, config.unused)


def _clusters(distance: Float[np.ndarray, "fit fit"], most: float) -> list[list[int]]:
    if len(distance) == 1:
        return [[0]]
    labels = fcluster(linkage(squareform(distance), "complete"), most, "distance")
    return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]


def _in_order(
    groups: list[list[int]], fits: Sequence[NetworkFit], rng: np.random.Generator, n_draws: int
) -> tuple[list[list[int]], int]:
    """The representative first, then the most frequent; and how many were more frequent than the
    representative, but predict worse than another one that was found as often as twice."""
    scores = [held_out_of([fits[i] for i in group]) for group in groups]

    def rank(g: int) -> tuple[float, float, float]:
        found = scores[g]
        return float(-len(groups[g])), 0.0 if found is None else -found.mean, float(groups[g][0])

    order = sorted(range(len(groups)), key=rank)
    rivals = [g for g in order if len(groups[g]) > 1]

    def is_worse(g: int) -> bool:
        above = [above_reference(scores[h], scores[g], rng, n_draws) for h in rivals if h != g]
        return any(found is not None and found.low > 0 for found in above)

    first = next((g for g in order if g in rivals and not is_worse(g)), order[0])
    rest = [g for g in order if g != first]
    return [groups[g] for g in [first, *rest]], order.index(first)


def _central(distance: Float[np.ndarray, "fit fit"], group: list[int]) -> int:
    """Place in the group of the member with the smallest mean distance from the others."""
    return int(np.argmin(distance[np.ix_(group, group)].mean(1)))


def _median(values: list[Float[np.ndarray, " latent"]]) -> Float[np.ndarray, " latent"]:
    return np.median(values, axis=0) if values else np.zeros(0)


def _words(found: Anatomy, config: ConsensusConfig) -> list[tuple[str, str]]:
    return [(name, latent_in_words(found, i, config.used)) for i, name in enumerate(found.latents)]
