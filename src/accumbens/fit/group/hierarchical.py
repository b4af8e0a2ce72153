"""A cognitive model fitted to several subjects at once, each under the group that all come from."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from ...errors import DataError, DivergedError
from ...models.by_subject import BySubject
from ...models.catalogue import Target
from ...trials import Trials, expect_trials
from ..likelihood.fitted import MaximumLikelihoodFit, sessions_in_words
from ..likelihood.maximum_likelihood import check_datasets, fit_maximum_likelihood, space_for
from ..likelihood.parameter_space import Held, M, ParameterSpace
from .description import described
from .empirical_bayes import GroupFit, fit_group, moved_with
from .fitted import HierarchicalFit
from .means_and_spreads import means_and_spreads
from .terms import RegressionTerms, SignalScales, TrialTerms, predictions_along

MIN_SUBJECTS = 2
"""Fewer say nothing of how subjects differ."""
START_TRIALS = 8_000
"""Where all subjects begin is found from about so many trials, evenly from all of them."""
FARTHEST_START = 4.0
"""Of a parameter between bounds, on the logit scale: beyond 0.982 nothing is left to move."""
LESS = 3.0
"""Nats for each parameter that subjects' own may explain less than one set for all."""
FAR = 10.0
"""Widths of its starting range beyond which a parameter without bounds has run away."""


def fit_hierarchical(
    model: type[M] | M,
    trials: Trials,
    *,
    target: Target = "choice",
    key: Key[Array, ""],
    n_starts: int = 8,
    variant: str | None = None,
    fixed: Held | None = None,
    free: Sequence[str] = (),
) -> HierarchicalFit:
    """Fits a cognitive model to every subject, each under the group that all come from.

    u_i ~ Normal(mean, diag(spread^2)), with u_i the parameters of subject i on the unconstrained
    scale. Mean and spread are found from all subjects by empirical Bayes, and each subject gets its
    most probable parameters under them: little data are drawn to the group, many speak for
    themselves. What is reported of the group is its posterior (`sample_hierarchical` draws from the
    same): each subject's likelihood is matched by a normal one with the mean and covariance of the
    subject's posterior, and the spread is integrated over a grid under weak priors, mean ~
    Normal(fit to all, (5 scale)^2) and spread ~ HalfNormal(2.5 scale), with a scale of at least 1
    on logit and log scales.

    Args:
        model: a class of cognitive model, or a model.
        trials: of all subjects. Those without a scored trial get the group's parameters.
        target: "choice" fits the choices, and regresses the signals on the prediction error
            afterwards; "signal" and "both" fit parameters, gains, offsets and residual SDs
            together. Gains, offsets and log residual SDs have a group of their own in every case.
        key: of the starts.
        n_starts: from which one fit to a part of all trials finds where the subjects begin.
        variant, fixed, free: as in `fit_maximum_likelihood`.

    Returns:
        The group, each subject, and one model of all subjects, in which a subject of another name
        has the group's medians.

    Raises:
        ConfigError: an option is unknown, contradicts another, or does not fit the model.
        DataError: fewer than two subjects have a scored trial, or a signal does not vary.
        DivergedError: the likelihood is not finite.

    Source:
        Huys et al. (2011), PLoS Comput Biol 7:e1002028; Piray et al. (2019), PLoS Comput Biol
        15:e1007043; Vehtari et al. (2020), J Mach Learn Res 21:17 (expectation propagation).

    Example:
        >>> import jax
        >>> import accumbens
        >>> agents = [accumbens.BiasOnly(bias) for bias in (0.5, 1.0, 1.5)]
        >>> task, key = accumbens.ReversalBandit(), jax.random.key(0)
        >>> trials = accumbens.simulate_cohort(agents, task, n_sessions=2, n_trials=200, key=key)
        >>> fit = accumbens.fit.fit_hierarchical(accumbens.BiasOnly, trials, key=key)
        >>> fit.n_subjects
        3
    """
    check_subjects(trials)
    part = part_of_each(trials, target)
    options: dict[str, Any] = {"variant": variant, "fixed": fixed, "free": free}
    pooled = fit_maximum_likelihood(
        model, part, target=target, key=key, n_starts=n_starts, intervals="curvature", **options
    )
    pooled = brought_back(pooled, part, key, options)
    space = space_for(model, [trials], target, **options)
    with jax.enable_x64(True):
        fits, groups, scales = _with_groups(space, trials, target, pooled)
        of_all = _model(space, trials, fits, groups, scales)
        return described(space, target, trials, fits, groups, scales, of_all)


def hierarchical_model(
    space: ParameterSpace, trials: Trials, target: Target, pooled: MaximumLikelihoodFit
) -> BySubject:
    """The model of `fit_hierarchical` alone, from a fit to a part of all trials (`part_of_each`)
    that says where subjects begin. What is compiled for some trials serves for others that differ
    in what is scored."""
    check_subjects(trials)
    with jax.enable_x64(True):
        return _model(space, trials, *_with_groups(space, trials, target, pooled))


def _with_groups(space: ParameterSpace, trials: Trials, target: Target, pooled):
    """The fits, the posterior of each one's group, and the units of the signals."""
    fits, terms = _fitted(space, trials, target, pooled)
    if not all(np.isfinite(fit.log_evidence) for fit in fits):
        raise DivergedError(
            f"{space.template.name} has no finite likelihood on {sessions_in_words(trials)} "
            "with parameters of each subject's own. Look for extreme outcomes or signals there."
        )
    for fit, of in zip(fits, terms, strict=True):
        if not bool(fit.converged):
            _check_explains(space, fit, of)
    n_trials = int(trials.length.sum())
    groups = [
        means_and_spreads(fit, of.log_likelihood, n_trials)
        for fit, of in zip(fits, terms, strict=True)
    ]
    fits = [
        moved_with(fit, jnp.asarray(group.mean)) for fit, group in zip(fits, groups, strict=True)
    ]
    return fits, groups, signal_scales(trials)


def _check_explains(space: ParameterSpace, fit: GroupFit, of) -> None:
    """Raises DivergedError where subjects' own parameters explain less than those that all began
    with: a search that wandered off."""
    everyone = jnp.broadcast_to(fit.group.start, fit.of_subject.shape)
    own, at_start = (float(of.log_likelihood(u).sum()) for u in (fit.of_subject, everyone))
    if not own >= at_start - LESS * everyone.shape[1]:
        raise DivergedError(
            f"{space.template.name} has not settled with parameters of each subject's own: after "
            f"{int(fit.passes)} passes they explain {at_start - own:,.0f} nats less than one set "
            "for all. The data do not tell its parameters apart: fix one, or leave a part out."
        )


def check_subjects(trials: Trials) -> None:
    """Raises DataError where fewer than two subjects have a scored trial, ConfigError where these
    are no trials."""
    expect_trials(trials)
    known = np.unique(trials.subject[trials.scored.any(1)])
    if len(known) < MIN_SUBJECTS:
        names = [trials.names.subjects[i] for i in known]
        raise DataError(
            f"A hierarchical fit needs at least {MIN_SUBJECTS} subjects with scored choices, and "
            f"these trials have {len(names)} ({', '.join(names) or 'none'}). Fit without a group: "
            "fit_maximum_likelihood, or --animals pooled."
        )


def part_of_each(trials: Trials, target: Target) -> Trials:
    """Whole sessions, about `START_TRIALS` trials in all and of each subject its share."""
    of = [np.flatnonzero(trials.subject == i) for i in np.unique(trials.subject)]
    each = START_TRIALS / len(of)
    chosen = []
    for sessions in of:
        sessions = sessions[trials.scored[sessions].any(1)]
        if len(sessions):
            wanted = int(np.ceil(each / trials.length[sessions].mean()))
            at = np.linspace(0, len(sessions) - 1, min(wanted, len(sessions)))
            chosen += list(sessions[np.unique(np.round(at).astype(int))])
    part = trials.select_sessions(np.sort(chosen))
    try:
        check_datasets([part], target)
    except DataError:  # too little of a signal in it
        return trials
    return part


def signal_scales(trials: Trials) -> SignalScales:
    """Units of gain, offset and residual: those of a prediction error of 1, and the signal's SD."""
    values = np.where(trials.signal_scored, trials.signal, np.nan)
    sd = jnp.asarray(np.nanstd(values, axis=(0, 1)) if values.shape[-1] else np.zeros(0))
    return SignalScales(sd, sd, sd)


def _fitted(
    space: ParameterSpace, trials: Trials, target: Target, pooled
) -> tuple[list[GroupFit], Sequence[TrialTerms | RegressionTerms]]:
    """The group of what the target tells, then, after a fit to choices, that of the signals; and
    the terms of both."""
    batch, n_subjects = trials.batch(np.float64), len(trials.names.subjects)
    scales = signal_scales(trials)
    start, scale = start_of(space, pooled)
    signal_start = signal_start_of(trials, scales, pooled)
    signal_scale = jnp.ones_like(signal_start)
    if target != "choice":
        terms = TrialTerms(space, batch, scales, n_subjects, target)
        start = jnp.concatenate([start, signal_start])
        scale = jnp.concatenate([scale, signal_scale])
        return [fit_group(terms, start, scale, n_subjects)], [terms]
    of_choices = batch._replace(signal=batch.signal[..., :0],
                                signal_scored=batch.signal_scored[..., :0])  # fmt: skip
    terms = TrialTerms(space, of_choices, scales, n_subjects, target)
    fits = [fit_group(terms, start, scale, n_subjects)]
    of: list[TrialTerms | RegressionTerms] = [terms]
    if trials.names.signals:
        own = jnp.take(fits[0].of_subject, jnp.asarray(batch.subject), axis=0).T
        _, x = eqx.filter_jit(predictions_along)(space, own, batch)
        regression = RegressionTerms(x, batch, scales, n_subjects)
        fits.append(fit_group(regression, signal_start, signal_scale, n_subjects))
        of.append(regression)
    return fits, of


def brought_back(
    pooled: MaximumLikelihoodFit, part: Trials, key: Key[Array, ""], options: dict[str, Any]
) -> MaximumLikelihoodFit:
    """The same fit or, where one parameter has run away while another is at its bound (a weight of
    thousands on a trace that follows at a rate of 0), one with the latter held inside.

    part: that was fitted. options: variant, fixed and free parameters of the fit.
    """
    known = pooled.model.parameters
    estimates = {name: np.asarray(getattr(pooled.model, name), float) for name in known}
    own = [name for name in known if name not in pooled.held]
    away = [
        name
        for name in own
        if not np.isfinite([known[name].low, known[name].high]).any()
        and np.abs(estimates[name]).max() > FAR * (known[name].start[1] - known[name].start[0])
    ]
    edge = {}
    for name in own:
        low, high = known[name].low, known[name].high
        if np.isfinite([low, high]).all() and estimates[name].ndim == 0:
            share = (estimates[name] - low) / (high - low)
            nearest = 1 / (1 + np.exp(FARTHEST_START))
            if min(share, 1 - share) < nearest:
                edge[name] = low + (high - low) * np.clip(share, nearest, 1 - nearest)
    if not (away and edge):
        return pooled
    held = cast(Held, {**pooled.held, **{n: float(x) for n, x in edge.items()}})
    return fit_maximum_likelihood(
        pooled.model, part, target=pooled.target, key=key, intervals="curvature", fixed=held,
        free=[name for name in options.get("free", ()) if name not in edge],
    )  # fmt: skip


def start_of(
    space: ParameterSpace, pooled: MaximumLikelihoodFit
) -> tuple[Float[Array, " place"], Float[Array, " place"]]:
    """Where all subjects begin, from a fit to all, and the scale of each place."""
    with_start = dataclasses.replace(space, template=pooled.model)
    start, scale = with_start.own_values(), place_scales(space)
    bounded = jnp.asarray([np.isfinite(p.low) or np.isfinite(p.high) for p in space.places], bool)
    start = jnp.where(bounded, jnp.clip(start, -FARTHEST_START, FARTHEST_START), start)
    return start, jnp.maximum(scale, jnp.where(bounded, 0.0, jnp.abs(start) / 2))


def signal_start_of(
    trials: Trials, scales: SignalScales, pooled: MaximumLikelihoodFit
) -> Float[Array, " place"]:
    """The same of gain, offset and log residual SD of every signal."""
    found = [
        (pooled.parameters[f"gain[{s}]"].estimate / scales.gain[i],
         pooled.parameters[f"offset[{s}]"].estimate / scales.offset[i],
         jnp.log(pooled.parameters[f"residual_sd[{s}]"].estimate / scales.sd[i]))
        for i, s in enumerate(trials.names.signals)
    ]  # fmt: skip
    return jnp.asarray(found, float).ravel()


def place_scales(space: ParameterSpace) -> Float[Array, " place"]:
    """What a large difference between subjects is: 1 on a logit or log scale, otherwise two fifths
    of the range in which starts are drawn."""
    return jnp.asarray([
        1.0 if np.isfinite(p.low) or np.isfinite(p.high) else (p.start[1] - p.start[0]) / 2.5
        for p in space.places
    ])  # fmt: skip


def _model(space: ParameterSpace, trials: Trials, fits, groups, scales) -> BySubject:
    """The model with each subject's parameters, the group's last."""
    values = [
        jnp.concatenate([fit.of_subject, jnp.asarray(group.mean)[None]])
        for fit, group in zip(fits, groups, strict=True)
    ]
    return model_of_rows(space, trials, jnp.concatenate(values, axis=1), scales)


def model_of_rows(
    space: ParameterSpace, trials: Trials, values: Float[Array, "row place"], scales: SignalScales
) -> BySubject:
    """The model of all subjects, from unconstrained values: of each subject, the group's last."""
    n = len(space.places)
    gain = values[:, n::3] * scales.gain
    offset = values[:, n + 1 :: 3] * scales.offset
    build = eqx.filter_jit(jax.vmap(lambda *own: space.build(*own)))
    models = build(values[:, :n], gain, offset)
    single = jax.tree.map(lambda x: jnp.asarray(np.asarray(x, np.float32)), models)
    return BySubject(single, trials.names.subjects)
