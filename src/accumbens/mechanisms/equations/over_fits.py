"""How often each term is found in the equations of several fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ConfigError
from ...unrolling import unroll
from ..align import align_latents
from .result import Distillation
from .words import term_words

if TYPE_CHECKING:
    import pandas as pd

ALIKE = 0.5
"""R2 of two latents' trajectories from which on they are the same latent."""


def terms_over_fits(found: Sequence[Distillation]) -> pd.DataFrame:
    """Every term of the equations of several fits to the same trials, with how many fits have it.

    Latents are matched with those of the first fit by their trajectories under the equations; one
    that is like none of them keeps its own name, with the number of its fit.

    Args:
        found: equations of each fit, of the same trials.

    Returns:
        A table with columns rule ("update", "choice"), of, term, inclusion (share of the fits),
        weight (mean over the fits that have it), sd (over these; NaN for one).

    Raises:
        ConfigError: there is no fit.
        DataError: the fits are of different trials.
    """
    import pandas as pd

    if not found:
        raise ConfigError("There are no equations to compare. Give those of at least one fit.")
    weights: dict[tuple[str, str, str], list[float]] = {}
    for number, one in enumerate(found):
        names = _names(found[0], one, number)
        renamed = tuple(names[latent] for latent in one.latents)
        for rule, equations in (("update", one.updates), ("choice", one.choice_rule)):
            for equation in equations:
                words = term_words(equation.terms, one.trials.names, renamed)
                for word, weight in zip(words, equation.weight.tolist(), strict=True):
                    key = rule, names.get(equation.of, equation.of), word
                    weights.setdefault(key, []).append(weight)
    rows = [
        (*key, len(w) / len(found), np.mean(w), np.std(w, ddof=1) if len(w) > 1 else np.nan)
        for key, w in weights.items()
    ]
    columns = ["rule", "of", "term", "inclusion", "weight", "sd"]
    table = pd.DataFrame(rows, columns=columns)
    order = ["rule", "of", "inclusion"]
    return table.sort_values(order, ascending=[False, True, False], ignore_index=True)


def _names(reference: Distillation, other: Distillation, number: int) -> dict[str, str]:
    """What each latent of a fit is called in the reference."""
    own = {name: f"{name} of fit {number + 1}" for name in other.latents}
    if not reference.latents or not other.latents:
        return own
    matched = align_latents(_along(reference), _along(other))
    pairs = zip(matched.reference.tolist(), matched.other.tolist(), matched.r2, strict=True)
    alike = {other.latents[j]: reference.latents[i] for i, j, r2 in pairs if r2 >= ALIKE}
    return own | alike


def _along(found: Distillation) -> np.ndarray:
    latents = unroll(found.model, found.trials).latents
    along = [np.asarray(latents[name])[found.trials.valid] for name in found.latents]
    return np.stack(along, 1).astype(np.float64)
