"""A column of the table as a covariate of the parameters of a cognitive model.

Within animals, with sessions at both levels:

    u_i = a_i -+ d_i / 2,   a_i ~ Normal(mean, diag(spread^2)),   d_i ~ Normal(shift, diag(s^2))

Between animals, each at one level:   u_i = a_i -+ shift / 2, with the same spread at both levels.

u_i: parameters of animal i on the unconstrained scale. Shift and intervals come from empirical
Bayes. The tests come from fits that do not know which level is which: within animals one in which
differences have a mean of zero, so that exchanging the levels of an animal turns the sign of its
difference and nothing else; between animals one in which all animals are of one group. Over
sessions: the score of each session at parameters that its animal has in all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Key

from ....errors import DivergedError
from ....models.catalogue import Target
from ....trials import Trials
from ...likelihood.maximum_likelihood import fit_maximum_likelihood, space_for
from ...likelihood.parameter_space import Held as Fixed
from ...likelihood.parameter_space import M, ParameterSpace
from ..description import place_names
from ..empirical_bayes import GroupFit, fit_group
from ..hierarchical import brought_back, part_of_each, signal_scales, signal_start_of, start_of
from ..intervals import SEVERAL
from ..normal_group import Held
from .description import described
from .design import contrast_design
from .exchange import ExactTest, exact_test, exchanged, flips
from .fitted import ContrastFit
from .problem import Problem, own_differences
from .terms import ContrastTerms

SIGNS = (
    "the animals' differences are as likely above zero as below it (in animals like these the "
    "levels differ by zero on average)"
)
LABELS = "the animals of both levels come from one group"
SESSIONS = (
    "no session of these animals depends on its level (levels were handed out to the sessions of "
    "each animal at random)"
)


def fit_contrast(
    model: type[M] | M,
    trials: Trials,
    levels: Mapping[str, str],
    *,
    column: str = "condition",
    compare: Sequence[str] = (),
    target: Target = "choice",
    key: Key[Array, ""],
    n_starts: int = 8,
    variant: str | None = None,
    fixed: Fixed | None = None,
    free: Sequence[str] = (),
) -> ContrastFit:
    """Which parameters of a cognitive model differ between two levels, by how much, in how many
    animals.

    Where at least two animals have sessions at both levels, these are compared with themselves;
    otherwise animals at one level with those at the other. Two exact tests: over animals, by
    signs of the animals' differences (within) or by exchanging levels between animals; and within
    animals also over sessions, by exchanging the levels of each animal's sessions, which speaks of
    these animals alone. All parameters are one family in `p_family` (largest t, step-down).

    Args:
        model: a class of cognitive model, or a model.
        trials: of all animals and sessions.
        levels: of each session by its label `subject/session` (`session_levels` reads them from a
            table). Sessions without one are left out.
        column: name of what the levels are of.
        compare: the reference level and the other, where there are more than two; by default
            saline, vehicle, wt and the like are the reference, or else the first in order.
        target: as in `fit_hierarchical`: with "signal" and "both", gains, offsets and residual SDs
            of signals are compared too.
        key: of the starts, and of arrangements where these are too many to go through all.
        n_starts, variant, fixed, free: as in `fit_hierarchical`.

    Returns:
        Each parameter at both levels, its difference with interval and exact tests, and the same of
        each animal.

    Raises:
        ConfigError: an option is unknown, contradicts another, or does not fit the model.
        DataError: there is one level, there are more than two and none are named, a level has too
            few animals, or a signal does not vary or was not measured.
        DivergedError: the likelihood is not finite.

    Source:
        Empirical Bayes: Huys et al. (2011), PLoS Comput Biol 7:e1002028. Tests: Fisher (1935), The
        Design of Experiments; Westfall & Young (1993), Resampling-Based Multiple Testing.

    Example:
        >>> import jax
        >>> import accumbens
        >>> agents = [accumbens.BiasOnly(bias) for bias in (0.5, 1.0, 1.5)]
        >>> task, key = accumbens.ReversalBandit(), jax.random.key(0)
        >>> trials = accumbens.simulate_cohort(agents, task, n_sessions=2, n_trials=200, key=key)
        >>> drugs = ("saline", "dcz") * 3
        >>> levels = dict(zip(trials.session_labels, drugs, strict=True))
        >>> about = {"column": "drug", "key": key}
        >>> fit = accumbens.fit.fit_contrast(accumbens.BiasOnly, trials, levels, **about)
        >>> fit.sentence
        'drug: dcz less saline, within 3 animals (3 sessions of saline and 3 sessions of dcz)'
        >>> fit.animals.smallest_p  # three animals: no effect, however large, has a smaller p
        0.25
    """
    design = contrast_design(trials, levels, column, compare)
    trials = design.trials
    if target == "choice":
        trials = trials.select_signals(())
    options: dict[str, Any] = {"variant": variant, "fixed": fixed, "free": free}
    part = part_of_each(trials, target)
    pooled = fit_maximum_likelihood(
        model, part, target=target, key=key, n_starts=n_starts, intervals="curvature", **options
    )
    pooled = brought_back(pooled, part, key, options)
    space = space_for(model, [trials], target, **options)
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel())
    with jax.enable_x64(True):
        scales = signal_scales(trials)
        start, scale = start_of(space, pooled)
        more = signal_start_of(trials, scales, pooled)
        problem = Problem(
            design, space, trials.batch(np.float64), scales, target,
            jnp.concatenate([start, more]), jnp.concatenate([scale, jnp.ones_like(more)]),
            place_names(space, trials.names.signals),
        )  # fmt: skip
        null = fit_group(
            problem.terms(trials.subject, design.n_subjects), problem.start, problem.scale,
            design.n_subjects,
        )  # fmt: skip
        fit = _with_shift(problem)
        _check(space, [null, fit])
        if design.within:
            symmetric = _differences(problem, centred=True)
            _check(space, [symmetric])
            p = len(problem.names)
            own = own_differences(symmetric, p).probable
            told = _told(symmetric)[p:]
            tests = [
                exact_test(SIGNS, "animals", problem.names, own, told, flips(len(own), rng)),
                _over_sessions(problem, null, told, rng),
            ]
        else:
            everyone = np.zeros(design.n_subjects, int)
            tests = [
                exact_test(
                    LABELS, "animals", problem.names, np.asarray(null.of_subject), _told(null),
                    exchanged(design.of_subject(), everyone, rng),
                )
            ]  # fmt: skip
        return described(problem, fit, tests)


def _check(space: ParameterSpace, fits: list[GroupFit]) -> None:
    if not all(np.isfinite(fit.log_evidence) for fit in fits):
        raise DivergedError(
            f"{space.template.name} has no finite likelihood with parameters of each animal's own "
            "at each level. Look for extreme outcomes or signals."
        )


def _told(fit: GroupFit) -> Bool[np.ndarray, " place"]:
    """Places of which at least two animals say something."""
    return np.asarray(fit.alone.counts.sum(0)) >= SEVERAL


def _differences(problem: Problem, *, centred: bool) -> GroupFit:
    """Middles and differences of animals with both levels. centred: the differences' mean is 0."""
    design, n = problem.design, problem.design.n_subjects
    cells = problem.terms(2 * design.trials.subject + design.level, 2 * n)
    terms = ContrastTerms(
        cells, jnp.repeat(jnp.arange(n), 2), jnp.tile(jnp.array([-0.5, 0.5]), n), n
    )
    p = len(problem.names)
    none = jnp.zeros(2 * p, bool)
    held = Held(none.at[p:].set(centred), none, jnp.ones(2 * p))
    return fit_group(terms, *problem.doubled(), n, held)


def _with_shift(problem: Problem) -> GroupFit:
    """The fit in which the group differs between levels."""
    design, n = problem.design, problem.design.n_subjects
    if design.within:
        return _differences(problem, centred=False)
    inner = problem.terms(design.trials.subject, n)
    terms = ContrastTerms(inner, jnp.arange(n), jnp.asarray(design.of_subject() - 0.5), n)
    p = len(problem.names)
    none = jnp.zeros(2 * p, bool)
    held = Held(none, none.at[p:].set(True), jnp.ones(2 * p).at[:p].set(2.0))
    return fit_group(terms, *problem.doubled(), n, held)


def _over_sessions(
    problem: Problem, null: GroupFit, told: Bool[np.ndarray, " place"], rng: np.random.Generator
) -> ExactTest:
    """The test over sessions, from the score of each at its animal's parameters.

    One step from there to the difference d of animal i is A^-1 times the sum over its sessions of
    (label less its mean) x score, A = k (1 - k) F_i + scale^-2, k: share of the other level.
    """
    design = problem.design
    subject, n = design.trials.subject, design.trials.n_sessions
    each = problem.terms(np.arange(n), n)
    found = eqx.filter_jit(each)(jnp.take(null.of_subject, jnp.asarray(subject), axis=0))
    score, information = np.asarray(found.score), np.asarray(found.information)
    share = problem.design.trials.scored.sum(1)
    value = np.zeros_like(score)
    for i in range(design.n_subjects):
        at = subject == i
        k = design.level[at].mean()
        own = score[at] - np.outer(share[at] / share[at].sum(), score[at].sum(0))
        a = k * (1 - k) * information[at].sum(0) + np.diag(1 / np.asarray(problem.scale) ** 2)
        value[at] = np.linalg.solve(a, own.T).T
    arrangements = exchanged(design.level, subject, rng)
    return exact_test(SESSIONS, "sessions", problem.names, value, told, arrangements)
