"""What a comparison found, in words: better than, not told apart from, or worse than the opponent.

Choices: a flexible model (the disRNN) against the best cognitive model. A signal: against the best
of the other models, the mean after each outcome among them. **The best is the one that predicts the
scored trials best**, held-out trials where there are any: the strongest opponent, picked after the
fact. This makes "better" harder to say than against an opponent named beforehand, and "worse" a
little easier where several opponents are close. All numbers are paired differences of
`accumbens.scoring.comparison`. An interval that leaves out 0 tells these two fits apart, on further
sessions of these animals or on animals like these, as its unit says; other fits of the same models,
from other starts or other sessions, may differ.

Beside them stands a baseline without memory: a fixed bias for choices, the mean alone for a signal.
No model that predicts worse than that passes without an `Alarm`.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Collection
from typing import Any, Literal, NamedTuple

from .comparison import Comparison, Estimate
from .table1 import spec_of_error

Label = Callable[[str], str]
"""What a model is called in print, by its name."""

Outcome = Literal["better", "not told apart", "worse", "not known"]
"""Not known: nothing was held out, or a single session, or nothing could be scored."""

TOLERANCE = 5e-5
"""Differences smaller than this, in nats per trial or as a part of the mean squared error, are of
arithmetic: no table shows them."""


class Verdict(NamedTuple):
    """One finding: a sentence, and the numbers that it rests on.

    target: "choice", or the name of a signal. outcome: of `model` against `opponent`.
    value, opponent_value, baseline_value: normalized likelihoods of choices, or mean squared errors
        of the signal in its squared unit. The baseline is a fixed bias, or the signal's mean alone.
    difference: of the value, model less opponent, paired, with its interval; better is positive for
        choices and negative for a signal. nats: the same in nats per scored choice; None for a
        signal. unit: what was resampled. n_units: how many of them. level: of the interval.
    held_out: whether the trials are not those that the models were fitted to.
    """

    target: str
    outcome: Outcome
    sentence: str
    model: str
    opponent: str
    value: float
    opponent_value: float
    baseline_value: float
    difference: Estimate
    nats: Estimate | None
    unit: str
    n_units: int
    level: float
    held_out: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        plain = self._asdict() | {"difference": self.difference._asdict()}
        return plain | {"nats": None if self.nats is None else self.nats._asdict()}


class Alarm(NamedTuple):
    """A model that predicts choices, or the signal `target`, worse than the baseline does."""

    model: str
    target: str
    sentence: str


class Contest(NamedTuple):
    """The names of the models that are compared.

    model: of which the verdict speaks; None for no verdict. cognitive: its opponents for choices.
    signal_models: its opponents for signals. choosers: every model that was fitted to choices.
    baseline: the model without memory. by_outcome: the signal's mean after each outcome, or None.
    """

    model: str | None
    cognitive: tuple[str, ...]
    signal_models: tuple[str, ...]
    choosers: tuple[str, ...]
    baseline: str
    by_outcome: str | None = None


class Judgement(NamedTuple):
    """All verdicts and alarms of one comparison.

    structure: whether the model's structure is fit to be read, in words; empty if nothing is known.
    """

    verdicts: tuple[Verdict, ...]
    alarms: tuple[Alarm, ...]
    structure: str = ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """All sentences, alarms first, the structure last."""
        found = (*self.warnings, *(verdict.sentence for verdict in self.verdicts))
        return (*found, self.structure) if self.structure else found

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(alarm.sentence for alarm in self.alarms)

    def notes(self) -> dict[str, str]:
        """The alarms of each model that has any, by its name."""
        models = dict.fromkeys(alarm.model for alarm in self.alarms)
        return {m: " ".join(a.sentence for a in self.alarms if a.model == m) for m in models}

    def as_dict(self) -> dict[str, Any]:
        """The entries of metrics.json: `verdict` (None without a model for it) and `warnings`."""
        verdict: dict[str, Any] | None = None
        if self.verdicts:
            choice, *signals = self.verdicts
            verdict = {
                "sentence": " ".join(v.sentence for v in self.verdicts),
                "choice": choice.as_dict(),
                "signal": {v.target: v.as_dict() for v in signals},
                "structure": self.structure,
            }
        return {"verdict": verdict, "warnings": list(self.warnings)}


def judge(against: Callable[[str], Comparison], contest: Contest, label: Label = str) -> Judgement:
    """The verdicts on `contest.model`, and an alarm for every model worse than the baseline.

    Args:
        against: the comparison of all models, the baseline included, with the named one as
            reference; always of the same trials and the same resamples.
        contest: who meets whom.
        label: what each model is called in print, by its name.
    """
    against = functools.cache(against)
    base = against(contest.baseline)
    verdicts: list[Verdict] = []
    if contest.model is not None:
        opponent = strongest(base, contest.cognitive)
        verdicts.append(choice_verdict(against(opponent or contest.baseline), contest, label))
        for signal in base.models[contest.model].signals:
            opponent = strongest(base, contest.signal_models, signal)
            verdict = signal_verdict(against(opponent or contest.baseline), contest, signal, label)
            if contest.by_outcome not in (None, opponent) and verdict.outcome != "not known":
                means = signal_verdict(against(contest.by_outcome), contest, signal, label)
                if means.outcome != "better":
                    verdict = verdict._replace(sentence=f"{verdict.sentence} {means.sentence}")
            verdicts.append(verdict)
    return Judgement(tuple(verdicts), alarms(base, contest, label))


def strongest(
    comparison: Comparison, names: Collection[str], signal: str | None = None
) -> str | None:
    """The model that predicts the scored trials best, among those named; None if none is named.

    By normalized likelihood of choices, or by mean squared error of `signal`.
    """
    scores = {}
    for name in names:
        value = _value(comparison, name, signal)
        if math.isfinite(value):
            scores[name] = value if signal is None else -value
    return max(scores, key=scores.__getitem__) if scores else None


def choice_verdict(comparison: Comparison, contest: Contest, label: Label = str) -> Verdict:
    """How well `contest.model` predicts choices, against `comparison.reference`.

    The reference is the best cognitive model, or the baseline where none was fitted to choices.
    """
    assert contest.model is not None
    opponent = comparison.reference
    found = comparison.differences[contest.model]
    difference, nats = found.normalized_likelihood, found.log_likelihood
    alone = opponent == contest.baseline
    rival = "a fixed bias" if alone else f"the best cognitive model ({_inside(label(opponent))})"
    value, theirs, baseline = (
        _value(comparison, name, None) for name in (contest.model, opponent, contest.baseline)
    )
    numbers = (
        f"normalized likelihood {value:.4f} against {theirs:.4f}, difference "
        f"{_signed(difference)}, which is {_signed(nats)} nats per trial{_rests_on(comparison)}."
    )
    outcome = _outcome(nats, comparison, higher_is_better=True)
    start = "No cognitive model was fitted to choices. " if alone else ""
    end = "" if alone else f" A fixed bias has {baseline:.4f}."
    who = label(contest.model)
    sentence = start + _sentence(who, "choices", rival, outcome, nats, comparison, numbers) + end
    return Verdict(
        "choice", outcome, sentence, contest.model, opponent, value, theirs, baseline,
        difference, nats, comparison.unit, _n_units(comparison), comparison.level,
        comparison.held_out,
    )  # fmt: skip


def _inside(name: str) -> str:
    """A name as it stands in brackets: `DFQ (hierarchical)` as `DFQ, hierarchical`."""
    return re.sub(r" \(([^()]*)\)", r", \1", name)


def signal_verdict(
    comparison: Comparison, contest: Contest, signal: str, label: Label = str
) -> Verdict:
    """How well `contest.model` predicts `signal`, against `comparison.reference`.

    The reference is the best other model, or the baseline where no other predicts the signal.
    """
    assert contest.model is not None
    opponent = comparison.reference
    difference = comparison.differences[contest.model].mse[signal]
    alone = opponent == contest.baseline
    if alone:
        rival = f"the mean of {signal} alone"
    elif opponent == contest.by_outcome:
        rival = "the mean after each outcome"
    else:
        rival = f"the best other model ({_inside(label(opponent))})"
    value, theirs, baseline = (
        _value(comparison, name, signal) for name in (contest.model, opponent, contest.baseline)
    )
    spec = spec_of_error(max(value, theirs, baseline))
    numbers = (
        f"mean squared error {value:{spec}} against {theirs:{spec}}, difference "
        f"{_signed(difference, spec)}{_rests_on(comparison)}."
    )
    outcome = _outcome(difference, comparison, higher_is_better=False)
    start = f"No other model predicts {signal}. " if alone else ""
    end = "" if alone else f" The mean alone has {baseline:{spec}}."
    who = label(contest.model)
    no_better = opponent in (contest.by_outcome, contest.baseline)
    sentence = _sentence(
        who, signal, rival, outcome, difference, comparison, numbers, no_better=no_better
    )
    return Verdict(
        signal, outcome, start + sentence + end, contest.model, opponent, value, theirs, baseline,
        difference, None, comparison.unit, _n_units(comparison), comparison.level,
        comparison.held_out,
    )  # fmt: skip


def alarms(comparison: Comparison, contest: Contest, label: Label = str) -> tuple[Alarm, ...]:
    """Every model that predicts worse than the baseline, which is `comparison.reference`.

    Choices of `contest.choosers` alone: other models say nothing of them.
    """
    raised = []
    where = "held-out" if comparison.held_out else "fitted"
    rest = _rests_on(comparison)
    for name, found in comparison.differences.items():
        nats = found.log_likelihood
        if name in contest.choosers and nats.value < -TOLERANCE:
            value, bias = (_value(comparison, n, None) for n in (name, contest.baseline))
            raised.append(Alarm(name, "choice", (
                f"{label(name)} predicts {where} choices WORSE than a fixed bias: normalized "
                f"likelihood {value:.4f} against {bias:.4f}, {_signed(nats)} nats per trial{rest}. "
                "Do not interpret its structure or its latent variables."
            )))  # fmt: skip
        for signal, difference in found.mse.items():
            value, mean = (_value(comparison, n, signal) for n in (name, contest.baseline))
            spec = spec_of_error(max(value, mean))
            if difference.value > TOLERANCE * mean:
                raised.append(Alarm(name, signal, (
                    f"{label(name)} predicts {where} {signal} WORSE than its mean alone: mean "
                    f"squared error {value:{spec}} against {mean:{spec}}, difference "
                    f"{_signed(difference, spec)}{rest}. Do not interpret what it says of {signal}."
                )))  # fmt: skip
    return tuple(raised)


def _sentence(
    who: str, what: str, rival: str, outcome: Outcome, difference: Estimate,
    comparison: Comparison, numbers: str, *, no_better: bool = False,
) -> str:  # fmt: skip
    """no_better: what is not told apart from the rival is "no better than" it."""
    if not math.isfinite(difference.value):
        return (
            f"It is not known whether the {who} predicts {what} better than {rival}: the scored "
            f"sessions have no trial on which {what} can be compared."
        )
    if not comparison.held_out:
        return (
            f"No session was held out, so it is not known whether the {who} predicts {what} better "
            f"than {rival}. On the fitted sessions, which favour the model with more parameters: "
            f"{numbers}"
        )
    if outcome == "not known":
        return (
            f"With one {_unit_name(comparison)} held out there is no interval, so it is not known "
            f"whether the {who} predicts {what} better than {rival}: {numbers}"
        )
    if outcome == "not told apart":
        said = (
            f"predicts {what} no better than {rival}"
            if no_better
            else f"is not told apart from {rival} by its predictions of {what}"
        )
    else:
        said = f"predicts {what} {outcome} than {rival}"
    return f"On held-out sessions, the {who} {said}: {numbers}"


def _value(comparison: Comparison, name: str, signal: str | None) -> float:
    """Normalized likelihood, or mean squared error of `signal`; NaN where the model has none."""
    evaluation = comparison.models[name]
    if signal is None:
        return evaluation.normalized_likelihood.value
    score = evaluation.signals.get(signal)
    return math.nan if score is None else score.mse.value


def _outcome(difference: Estimate, comparison: Comparison, *, higher_is_better: bool) -> Outcome:
    if not comparison.held_out or not all(map(math.isfinite, difference)):
        return "not known"
    if difference.low <= 0 <= difference.high:
        return "not told apart"
    return "better" if (difference.low > 0) == higher_is_better else "worse"


def _n_units(comparison: Comparison) -> int:
    """How many of what was resampled there are."""
    subjects = next(iter(comparison.models.values())).subjects.values()
    return len(subjects) if comparison.unit == "subject" else sum(s.n_sessions for s in subjects)


def _unit_name(comparison: Comparison) -> str:
    return "animal" if comparison.unit == "subject" else "session"


def _rests_on(comparison: Comparison) -> str:
    """What the intervals rest on; nothing to say where there is none."""
    n = _n_units(comparison)
    if n < 2:
        return ""
    n_animals = len(next(iter(comparison.models.values())).subjects)
    animals = f"{n_animals} animal{'s' if n_animals > 1 else ''}"
    these = "these fits and these animals" if n_animals > 1 else "these fits and this animal"
    over, holds = {
        "session": (f"{n} sessions of {animals}", these),
        "session within subject": (f"{n} sessions within {animals}", these),
        "subject": (animals, "these fits and animals like these"),
    }[comparison.unit]
    return f" (paired {comparison.level:.0%} intervals by Student's t over {over}, for {holds})"


def _signed(estimate: Estimate, spec: str = ".4f") -> str:
    between = f" [{estimate.low:+{spec}}, {estimate.high:+{spec}}]"
    return f"{estimate.value:+{spec}}{between if math.isfinite(estimate.low) else ''}"
