"""The statistics of an analysis of credit in the words of a methods section."""

from __future__ import annotations

from typing import Any

from ...summary import counted, listed
from ..methods import section
from .config import CreditConfig


def credit_methods(metrics: dict[str, Any], config: CreditConfig) -> str:
    """Markdown; only what was done is in it.

    Args:
        metrics: what metrics.json says.
        config: the options of the analysis.
    """
    parts = [_data(metrics, config), _regression(metrics, config), _indices(metrics, config)]
    if metrics["tests"]:
        parts += [_schedule(metrics, config), _tests(metrics, config), _answers(metrics)]
    return section("Methods: credit assignment", [part for part in parts if part])


def _data(metrics: dict[str, Any], config: CreditConfig) -> str:
    data = metrics["data"]
    return (
        f"Choices of {counted(data['subjects'], 'subject')} in "
        f"{counted(data['sessions'], 'session')} "
        f"({data['trials']:,} trials, of which {data['trials_scored']:,} with a free choice were "
        f"scored) were analysed. Outcomes: {listed(data['outcomes'])}; the first is the "
        f"controllable "
        "reward."
    )


def _regression(metrics: dict[str, Any], config: CreditConfig) -> str:
    if config.ridge == "cv":
        strengths = sorted({s["ridge"] for s in metrics["subjects"].values()})
        ridge = (
            "a ridge penalty on all weights but the bias, chosen for each subject by "
            "cross-validation "
            f"over its sessions (strengths from {strengths[0]:g} to {strengths[-1]:g})"
        )
    elif config.ridge:
        ridge = f"a ridge penalty of {config.ridge:g} on all weights but the bias"
    else:
        ridge = "no penalty"
    units = [s["sessions"] for s in metrics["subjects"].values()]
    errors = (
        "Standard errors of weights take sessions as independent units (CR2 [bell], intervals by "
        "Student's t with Satterthwaite's degrees of freedom)"
    )
    if min(units) < 2:
        single = sum(n < 2 for n in units)
        errors += (
            f"; of {counted(single, 'subject')} with a single session they take trials as "
            "independent"
        )
    return (
        "The log-odds of each choice were regressed on past choices by type of outcome, each "
        f"subject by itself (logistic regression [lau], {counted(config.lags, 'lag')} of trials "
        f"with "
        f"a choice, never across sessions; maximum likelihood with {ridge}). {errors}."
        f"{_level(config)}"
    )


def _level(config: CreditConfig) -> str:
    """Which regression was kept, where it is not that of each subject by itself."""
    if config.animals == "pooled":
        return " The regression that was kept for simulation is one for all subjects together."
    if config.animals == "hierarchical":
        return (
            " Beside it, weights of each subject were estimated under a normal distribution over "
            "subjects whose mean and spreads were estimated from all of them (empirical Bayes, one "
            "spread for the bias and one for each type of outcome [laird]); indices and tests do "
            "not use them."
        )
    return ""


def _indices(metrics: dict[str, Any], config: CreditConfig) -> str:
    sizes = {index["n_subjects"] for index in metrics["group"]["indices"].values()}
    n = " or ".join(map(str, sorted(size for size in sizes if size > 1)))
    group = f" Means over {n} subjects have Student's t intervals over subjects." if n else ""
    return (
        "The index of an outcome is the sum over lags of the weights of that outcome alone less "
        "those of no outcome. Its standard error is the standard deviation over "
        f"{config.bootstrap:,} resamples of the subject's sessions [rao], its 95 % interval the "
        f"value "
        "-+ t times that, with one degree of freedom fewer than sessions (two sessions: CR2; one "
        f"session: no interval).{group}"
    )


def _schedule(metrics: dict[str, Any], config: CreditConfig) -> str:
    source = (
        f"were stated ({', '.join(config.probabilities)})"
        if config.probabilities
        else "were columns of the table"
    )
    text = f"The probabilities from which the rewards were drawn {source}."
    if config.baited:
        text += (
            " The controllable reward was baited: a reward that was drawn waited until its side "
            "was chosen, so that it came with the probability 1 - product of (1 - p) over the "
            "trials since that side was last chosen."
        )
    checked = metrics.get("schedule")
    if checked and checked.get("believable"):
        text += " The rewards that came were compared with them beforehand, and agree."
    elif checked:
        text += " The rewards that came do not agree with them; they were trusted nevertheless."
    return text


def _tests(metrics: dict[str, Any], config: CreditConfig) -> str:
    resamples = next(iter(metrics["tests"].values()))["resamples"]
    ridge = "0.01" if config.ridge == "cv" else f"{max(float(config.ridge), 0.01):g}"
    by_rule = ""
    if config.reversals is not None:
        by_rule = (
            f" The better side reversed by a rule ({config.rule}), counted anew after each "
            "reversal; so rewards and the reversals that follow from them were redrawn together "
            "from their joint distribution given what was held (backward filtering over side and "
            "count, forward sampling [scott]), with the first side of each session as it was."
        )
    return (
        f"Hypotheses ({'; '.join(metrics['tests'])}) were tested by conditional randomization "
        "[harris]. For an index above 0, every reward of that kind was redrawn from its "
        "probability "
        "with choices and all other rewards held; for one index above another, choices and the "
        "number "
        "of rewards on each trial were held, and where exactly one of the two came, which one it "
        "was "
        f"was redrawn.{by_rule} The regression (ridge {ridge}) was refitted to each of "
        f"{resamples:,} redrawn "
        "experiments (seed "
        f"{config.seed}); p = (1 + number at least as extreme) / (1 + {resamples:,}) [phipson], "
        f"one-sided and two-sided (twice the smaller). {_held(metrics)}"
    )


def _held(metrics: dict[str, Any]) -> str:
    """Under which rules of the schedule the p-values are exact."""
    holds = {name: test["holds_under"] for name, test in metrics["tests"].items()}
    if len(set(holds.values())) == 1:
        return next(iter(holds.values()))
    return " ".join(f"Of {name}: {text[0].lower()}{text[1:]}" for name, text in holds.items())


def _answers(metrics: dict[str, Any]) -> str:
    found = [test["in_animals_like_these"] for test in metrics["tests"].values()]
    first = (
        '"In these animals" is the test of the mean statistic over subjects: its null hypothesis '
        "is that not one of these animals has the effect."
    )
    counts = sorted({like["n"] for like in found if like is not None})
    if not counts:
        return f"{first} Nothing was tested for animals like these."
    n = " or ".join(map(str, counts))
    said = (
        f'{first} "In animals like these" is Student\'s t over {n} animals of the observed '
        "statistic minus the mean of the animal's own null distribution, with its 95 % interval; "
        "beside it, sign flips of the animals [fisher]"
    )
    if any(like is not None and like["weighted"] for like in found):
        said += (
            ", and a random-effects mean in which the precision of an animal is the standard "
            "deviation "
            "of its null distribution [paule], with the interval of Hartung and Knapp [hartung]"
        )
    return f"{said}.{_flavours(metrics)}"


def _flavours(metrics: dict[str, Any]) -> str:
    """What was done about flavours, where it was."""
    found = [test.get("flavours_balanced") for test in metrics["tests"].values()]
    balanced = next((b for b in found if b is not None), None)
    if balanced is None:
        return ""
    (a, b), (n, m) = balanced["flavours"], balanced["animals"]
    return (
        f" To tell structure from a liking of one flavour, the effects of animals with {a} ({n}) "
        f"and with {b} ({m}) as the controllable reward were averaged with the same weight "
        "(Welch's t [welch])."
    )
