"""The models compared in a run: the network, its opponents, and the baseline without memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ...models.bias import BiasOnly
from ...models.catalogue import find_fit
from ...models.naive import Naive
from ...scoring.comparison import Comparison
from ...scoring.metrics import Predictions, predict
from ...scoring.table1 import Label
from ...scoring.verdict import Contest, Judgement, judge
from ...trials import Trials
from .models import Fitted

BASELINE = "without memory"
"""Names of the predictions without memory, which no fit has."""


def without_memory(train: Trials, trials: Trials) -> Predictions:
    """What a fixed bias and the signals' means, both of `train`, say of each of `trials`.

    Raises DataError when a signal was never measured on a scored trial of `train`.
    """
    logits = predict(BiasOnly.from_trials(train), trials).choice_logits
    if not trials.names.signals:
        return Predictions(logits, np.zeros((*trials.choice.shape, 0)))
    return Predictions(logits, predict(Naive.mean_only(train), trials).signals)


def judge_fits(
    fits: Mapping[str, Fitted], against: Callable[[str], Comparison], label: Label
) -> Judgement:
    """The verdict on the disRNN (or, without one, the GRU), and alarms on all models.

    Opponents for choices are the cognitive models that were fitted to choices; for signals, all
    cognitive models and the mean after each outcome.
    against, label: as of `judge`, of all fits and `BASELINE`.
    """
    method = {name: find_fit(name).model.method for name in fits}
    cognitive = tuple(name for name in fits if method[name] == "likelihood")
    means = tuple(name for name in fits if method[name] == "means")
    networks = [name for wanted in ("disrnn", "gru") for name in fits if method[name] == wanted]
    contest = Contest(
        model=networks[0] if networks else None,
        cognitive=tuple(name for name in cognitive if fits[name].predicts_choices),
        signal_models=cognitive + means,
        choosers=tuple(name for name, fit in fits.items() if fit.predicts_choices),
        baseline=BASELINE,
        by_outcome=means[0] if means else None,
    )
    found = judge(against, contest, label)
    if contest.model is None:
        return found
    selection = fits[contest.model].notes.get("selection", {})
    return found._replace(structure=selection.get("structure", ""))
