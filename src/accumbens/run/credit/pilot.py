"""The animals of a pilot table, as agents for a power analysis."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from ...credit.history.usable import left_out
from ...credit.pilot import Pilot
from ...errors import ConfigError, DataError
from ...fit.group.hierarchical import fit_hierarchical
from ...fit.likelihood.maximum_likelihood import fit_maximum_likelihood
from ...io.tables.format import TableFormat
from ...io.tables.trials import from_table
from ...models.base import Model
from ...models.structured import StructureMixture
from ...trials import Trials
from ...unrolling import unroll
from .config import PilotFormat

PARTS = ("side_bias", "perseveration")
"""What mice have beside the agent: a bias, and a habit."""


def read_pilot(table: str | Path, format: PilotFormat, *, key: PRNGKeyArray) -> Pilot:
    """Fits agents to the animals of a pilot table (see `fitted_pilot`).

    Args:
        table: with one row a trial.
        format: its columns.
        key: of the starts of the fits.

    Raises:
        ConfigError: both rewards are one column.
        DataError: the table cannot be used.
    """
    if format.controllable == format.distractor:
        raise ConfigError(
            f"pilot.controllable and pilot.distractor are both {format.controllable}. They are "
            "different columns."
        )
    trials = from_table(
        table,
        TableFormat(
            choice=format.choice, outcome=(format.controllable, format.distractor),
            subject=format.subject, session=format.session, trial=format.trial,
            missed=format.missed, choices=format.choices,
        ),
    )  # fmt: skip
    return fitted_pilot(trials, key=key)


def fitted_pilot(trials: Trials, *, key: PRNGKeyArray) -> Pilot:
    """Fits `StructureMixture` with a side bias and a habit to the animals of a pilot.

    Two animals or more are fitted under the group that they come from, whose medians and spreads
    are kept; a single one by maximum likelihood, which says nothing of how animals differ. The SD
    of the bias between sessions is what sessions differ by more than chance: with b_s the bias of
    session s that the fit lacks (one Newton step) and w_s its information,
    SD^2 = max(0, (sum of w_s b_s^2 - sessions) / sum of w_s) (DerSimonian & Laird 1986).

    Args:
        trials: with two choices and two outcomes of 0 and 1.
        key: of the starts of the fits.

    Raises:
        DataError: there are not two choices and two outcomes, or no animal has free choices of both
            sides. Animals without them are left out, and `notes` say so.
    """
    if trials.n_choices != 2 or len(trials.names.outcomes) != 2:
        raise DataError(
            "A pilot has two choices, and a controllable and a distractor reward; these trials "
            f"have {trials.n_choices} choices and the outcomes {trials.names.outcomes}."
        )
    if not trials.scored.any():
        raise DataError("The pilot has no free choice. Check the column of choices.")
    out = left_out(trials, "as nothing of how it learns can be told")
    index = np.flatnonzero(~np.isin(trials.subject, list(out)))
    if not index.size:
        raise DataError("The pilot has no animal like which mice could be drawn. "
                        + " ".join(out.values()))  # fmt: skip
    trials = trials.select_sessions(index)
    n = len(np.unique(trials.subject))
    spreads = None
    if n > 1:
        group = fit_hierarchical(StructureMixture, trials, key=key, free=PARTS)
        names = (*StructureMixture.parameters, *PARTS)
        medians = {name: group.group[name].median for name in names}
        spreads = {name: group.group[name].spread for name in names}
        model: Model = group.model
    else:
        fit = fit_maximum_likelihood(
            StructureMixture, trials, key=key, free=PARTS, intervals="curvature"
        )
        model = fit.model
        names = (*StructureMixture.parameters, *PARTS)
        medians = {name: float(getattr(fit.model, name)) for name in names}
    return Pilot(
        medians, spreads, _bias_between_sessions(model, trials),
        1 - float(trials.valid.sum() / trials.length.sum()), n, trials.n_sessions,
        tuple(out.values()),
    )  # fmt: skip


def _bias_between_sessions(model: Model, trials: Trials) -> float:
    """SD between sessions of the side bias, in log-odds, beyond what the model has."""
    p = _second(model, trials)
    scored = trials.scored
    information = np.where(scored, p * (1 - p), 0.0).sum(1)
    score = np.where(scored, (trials.choice == 1) - p, 0.0).sum(1)
    told = information > 0
    w, b = information[told], score[told] / information[told]
    if len(w) < 2:
        return 0.0
    return float(np.sqrt(max(0.0, ((w * b**2).sum() - len(w)) / w.sum())))


def _second(model: Model, trials: Trials) -> Float[np.ndarray, "session trial"]:
    """Probability of the second choice on each trial."""
    return np.asarray(jax.nn.softmax(unroll(model, trials).choice_logits), float)[..., 1]
