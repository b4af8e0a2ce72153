"""The first mechanism as equations, and their check, as records of a card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import PRNGKeyArray

from ...errors import AccumbensError
from ...mechanisms.check import check_equations
from ...mechanisms.equations.distillation import distill
from ...models.disrnn import DisRNN
from .config import CardConfig
from .reading import Fits

if TYPE_CHECKING:
    import pandas as pd


def equations_of(
    network: DisRNN, found: Fits, config: CardConfig, key: PRNGKeyArray, rng: np.random.Generator
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Equations of a network and what checks of them say; why there are none where that fails.

    Returns:
        For metrics.json: text, verdict, explains, checks and notes; and tables by name.
    """
    try:
        written = distill(network, found.trials if found.fitted is None else found.fitted, rng=rng)
    except AccumbensError as error:
        return {"text": "", "verdict": f"There are no equations: {error}", "checks": []}, {}
    record: dict[str, Any] = {
        "text": written.text(),
        "verdict": written.verdict(),
        "explains": written.explains,
        "divergence": written.divergence,
        "checks": [],
    }
    tables = {"equations": written.term_frame(), "parameters": written.parameter_frame()}
    if found.held_out is None:
        record["checks"] = ["Not checked: the runs did not hold out the same sessions."]
        return record, tables
    try:
        check = check_equations(
            network, written, found.held_out, key=key, rng=rng, n_repeats=config.repeats,
            n_recovered=config.recoveries,
        )  # fmt: skip
    except AccumbensError as error:
        record["checks"] = [f"Not checked: {error}"]
        return record, tables
    record |= {"checks": check.verdicts(), "kept": check.kept}
    if check.recovered:
        tables["recovered"] = check.recovered_frame()
    return record, tables
