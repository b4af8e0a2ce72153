"""How well a cognitive model predicts a session, or an animal, that it was not fitted to.

Each session (or animal) is left out in turn, the model is fitted again to all others, and what was
left out is predicted: pooled, by the one model of all others; separate, by the animal's own other
sessions; hierarchical, by the animal's estimates under the group of all others. Of an animal that
was left out nothing is known: it is predicted by the mean of separate fits, or the group's medians.

Sessions and animals without a scored choice are not left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Array, Key

from ..errors import ConfigError, DataError, DivergedError
from ..models.base import Model
from ..models.catalogue import Target
from ..progress.base import Progress
from ..progress.display import shown
from ..scoring.metrics import SessionSums, pooled, predict, session_sums
from ..scoring.splits import order_sessions
from ..trials import Trials, expect_trials
from .group.hierarchical import MIN_SUBJECTS, brought_back, hierarchical_model, part_of_each
from .group.separate import mean_of
from .left_out import LeaveOneOut, LeftOut
from .likelihood.maximum_likelihood import check_datasets, fit_datasets, space_for
from .likelihood.parameter_space import Held, M

Level = Literal["pooled", "separate", "hierarchical"]
"""One set of parameters for all animals, each by itself, or each under the group of all."""

Unit = Literal["session", "animal"]
"""What is left out at a time."""

AGAIN = 3
"""Starts of a fit without one session or animal, beside the estimates of the fit to all."""


class _Options(NamedTuple):
    """target, key, n_starts: of every fit. more: which parameters are fitted."""

    target: Target
    key: Key[Array, ""]
    n_starts: int
    more: dict[str, Any]


def leave_one_session_out(
    model: type[M] | M, trials: Trials, *, key: Key[Array, ""], level: Level = "hierarchical",
    target: Target = "choice", n_starts: int = 8, variant: str | None = None,
    fixed: Held | None = None, free: Sequence[str] = (), progress: Progress | None = None,
) -> LeaveOneOut:  # fmt: skip
    """Log likelihood of every session under the model fitted to all other sessions.

    sum over sessions s of log p(choices of s | fit to all sessions but s). The fits are made again;
    nothing is approximated. Each begins where the fit to all sessions ended, and at 3 more starts.

    Args:
        model: a class of cognitive model, or a model.
        trials: with at least two sessions that have scored choices.
        key: of the starts.
        level: "pooled", "separate" (of an animal with one session, the mean of the others stands
            for it) or "hierarchical".
        target: what is fitted: "choice" (signals are regressed on the prediction error afterwards),
            "signal" or "both".
        n_starts: of the fit to all sessions.
        variant, fixed, free: as in `fit_maximum_likelihood`.
        progress: told of the fits; by default bars at a terminal and in notebooks.

    Returns:
        A row for each session, and their sum.

    Raises:
        ConfigError: an option is unknown, contradicts another, or does not fit the model.
        DataError: there are too few sessions or animals to leave one out.
        DivergedError: the likelihood is not finite without one of them.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> import accumbens
        >>> choice = np.array([[1, 1, 0, 1], [1, 0, 0, 1]])
        >>> trials = accumbens.trials_from_arrays(choice, np.ones((2, 4, 1)))
        >>> found = accumbens.fit.leave_one_session_out(
        ...     accumbens.BiasOnly, trials, level="pooled", key=jax.random.key(0)
        ... )
        >>> bool(abs(found.log_likelihood - np.log(0.5**4 * 0.75**2 * 0.25**2)) < 1e-3)
        True
    """
    options = _Options(target, key, n_starts, {"variant": variant, "fixed": fixed, "free": free})
    return _left_out(model, trials, "session", level, options, progress)


def leave_one_animal_out(
    model: type[M] | M, trials: Trials, *, key: Key[Array, ""], level: Level = "hierarchical",
    target: Target = "choice", n_starts: int = 8, variant: str | None = None,
    fixed: Held | None = None, free: Sequence[str] = (), progress: Progress | None = None,
) -> LeaveOneOut:  # fmt: skip
    """Log likelihood of every animal under the model fitted to all other animals.

    sum over animals a of log p(choices of a | fit to all animals but a). Nothing is known of the
    animal that is left out: pooled, it has the parameters of the others; separate, the mean of
    theirs on the unconstrained scale; hierarchical, the medians of their group.

    Args:
        model, key, target, n_starts, variant, fixed, free, progress: as in `leave_one_session_out`.
        trials: of at least two animals; of three, where the others have a group.
        level: "pooled", "separate" or "hierarchical".

    Returns:
        A row for each animal, and their sum.

    Raises:
        ConfigError, DataError, DivergedError: as of `leave_one_session_out`.
    """
    options = _Options(target, key, n_starts, {"variant": variant, "fixed": fixed, "free": free})
    return _left_out(model, trials, "animal", level, options, progress)


def _left_out(model, trials, unit: Unit, level: Any, options: _Options, progress) -> LeaveOneOut:
    expect_trials(trials)
    if level not in get_args(Level):
        raise ConfigError(f"level is {level!r}; choose one of {', '.join(get_args(Level))}.")
    check_datasets([trials], options.target, options.n_starts)
    check_leaving_out(trials, unit, level)
    trials = trials.select_sessions(order_sessions(trials))
    each = _units(trials, unit)
    fitted_without = {"pooled": _pooled, "separate": _separate, "hierarchical": _hierarchical}
    with shown(progress) as progress, progress.task(f"without one {unit}", len(each)) as task:
        rows = []
        models = fitted_without[level](model, trials, list(each.values()), unit, options)
        for i, ((name, sessions), found) in enumerate(zip(each.items(), models, strict=True)):
            part = trials.select_sessions(sessions)
            sums = pooled(session_sums(predict(found, part), part))
            rows.append(_row(name, trials.names.subjects[part.subject[0]], sums, options.target))
            task.update(i + 1)
    return LeaveOneOut(unit, level, options.target, trials.names.signals, tuple(rows))


def _units(trials: Trials, unit: Unit) -> dict[str, list[int]]:
    """Sessions of each that is left out, in order."""
    found: dict[str, list[int]] = {}
    for i in np.flatnonzero(trials.scored.any(1)).tolist():
        animal = trials.names.subjects[trials.subject[i]]
        found.setdefault(trials.session_labels[i] if unit == "session" else animal, []).append(i)
    return found


def check_leaving_out(trials: Trials, unit: Unit, level: Level) -> None:
    """Raises DataError where there are too few sessions or animals to leave one out."""
    each = _units(trials, unit)
    least = 1 + MIN_SUBJECTS if (unit, level) == ("animal", "hierarchical") else 2
    if len(each) < least:
        others = "a group of the others needs two" if least > 2 else "nothing would be left to fit"
        raise DataError(
            f"There are {len(each)} {unit}s with scored choices, too few to leave one out: at "
            f"least {least} are needed, for {others}."
        )


def _row(name: str, animal: str, sums: SessionSums, target: Target) -> LeftOut:
    says = target != "signal"
    squared = tuple(float(x) for x in sums.squared_error[0])
    return LeftOut(
        name, animal, int(sums.n_choices[0]),
        float(sums.log_likelihood[0]) if says else float("nan"), squared,
        tuple(int(x) for x in sums.n_signal[0]),
    )  # fmt: skip


def _without(trials: Trials, sessions: Sequence[int]) -> Trials:
    """The same sessions, of which nothing of these is scored: fits then have one shape."""
    instructed = trials.instructed.copy()
    instructed[list(sessions)] = trials.in_session[list(sessions)]
    return dataclasses.replace(trials, instructed=instructed)


def _rest(trials: Trials, sessions: Sequence[int], among: Sequence[int] | None = None) -> Trials:
    """The other sessions that have scored choices. among: these alone."""
    left = set(np.flatnonzero(trials.scored.any(1)).tolist()) - set(sessions)
    left &= set(range(trials.n_sessions) if among is None else among)
    return trials.select_sessions(sorted(left))


def _pooled(model, trials: Trials, each, unit: Unit, options: _Options) -> list[Model]:
    return [fit.model for fit in _pooled_fits(model, trials, each, options)]


def _pooled_fits(model, trials: Trials, each, options: _Options, part=lambda x: x):
    """Fits to all but each, and beforehand one to all, where they begin."""
    common = {"target": options.target, "key": options.key, "intervals": "curvature"}
    (whole,) = fit_datasets(
        model, [part(trials)], n_starts=options.n_starts, **common, **options.more
    )
    again = {**options.more, "variant": None, "fixed": _held(options, whole)}
    datasets = [part(_rest(trials, sessions)) for sessions in each]
    return fit_datasets(whole.model, datasets, n_starts=1 + AGAIN, **common, **again)


def _held(options: _Options, whole) -> dict[str, Any]:
    """What the fit to all held, so that fits that begin at its model hold the same."""
    return {name: value for name, value in whole.held.items() if name not in options.more["free"]}


def _separate(model, trials: Trials, each, unit: Unit, options: _Options) -> list[Model]:
    of = {i: np.flatnonzero(trials.subject == i).tolist() for i in np.unique(trials.subject)}
    own = [s for s in of.values() if trials.scored[s].any()]
    common = {"target": options.target, "key": options.key, "intervals": "curvature",
              "n_starts": options.n_starts}  # fmt: skip
    parts = [_rest(trials, (), sessions) for sessions in own]
    fits = fit_datasets(model, parts, **common, **options.more)
    space = space_for(model, parts, options.target, **options.more)
    number = {s: at for at, sessions in enumerate(own) for s in sessions}

    def mean_without(at: int) -> Model:
        return mean_of([fit.model for i, fit in enumerate(fits) if i != at], space)

    if unit == "animal":
        return [mean_without(number[sessions[0]]) for sessions in each]
    several = [
        sessions for sessions in each if trials.scored[own[number[sessions[0]]]].any(1).sum() > 1
    ]
    datasets = [_rest(trials, s, own[number[s[0]]]) for s in several]
    again = fit_datasets(model, datasets, **common, **options.more) if datasets else []
    found = {s[0]: fit.model for s, fit in zip(several, again, strict=True)}
    return [found[s[0]] if s[0] in found else mean_without(number[s[0]]) for s in each]


def _hierarchical(model, trials: Trials, each, unit: Unit, options: _Options):
    """One after the other, each when it is asked for."""
    pooled_fits = _pooled_fits(
        model, trials, each, options, part=lambda x: part_of_each(x, options.target)
    )
    space = space_for(model, [trials], options.target, **options.more)
    for sessions, start in zip(each, pooled_fits, strict=True):
        part = part_of_each(_rest(trials, sessions), options.target)
        start = brought_back(start, part, options.key, options.more)
        try:
            yield hierarchical_model(space, _without(trials, sessions), options.target, start)
        except DivergedError as problem:
            left = trials.session_labels[sessions[0]]
            name = left if unit == "session" else trials.names.subjects[trials.subject[sessions[0]]]
            raise DivergedError(f"Without {name}: {problem}") from problem
