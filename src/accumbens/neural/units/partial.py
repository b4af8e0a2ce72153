"""Relations given something else: what is left of a series when others are taken out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def less_given(
    series: Sequence[Float[np.ndarray, " _"]], given: Sequence[Float[np.ndarray, "_ given"]]
) -> list[Float[np.ndarray, " _"]]:
    """The residuals of a series on others by least squares, one set of slopes for all sessions.

    Correlations of two such residuals are partial correlations (Fisher 1924, Metron 3:329). Slopes
    are of deviations from each session's mean; the mean of the series itself stays.

    Args:
        series: one array a session.
        given: the others, one array a session; without columns the series stays as it is.
    """
    if not given or not given[0].shape[1]:
        return list(series)
    z = np.concatenate([of - of.mean(0) for of in given])
    y = np.concatenate([of - of.mean() for of in series])
    slopes = np.linalg.lstsq(z, y, rcond=None)[0]
    return [of - (its - its.mean(0)) @ slopes for of, its in zip(series, given, strict=True)]
