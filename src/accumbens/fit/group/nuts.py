"""Hierarchical fits without approximation: Markov chains by NUTS through NumPyro.

    mean ~ Normal(centre, (5 scale)^2),   spread ~ HalfNormal(2.5 scale)
    u_i = mean + spread z_i,   z_i ~ Normal(0, 1),   data of subject i ~ p(. | u_i)

with u_i the parameters of subject i on the unconstrained scale: the transforms and the likelihood
are those of the fit by empirical Bayes (`parameter_space`, `TrialTerms`). The chains walk over
mean, spread and z (the non-centred form), which stay independent where subjects say little.

Sources: Hoffman & Gelman (2014), J Mach Learn Res 15:1593 (NUTS); Phan, Pradhan & Jankowiak (2019),
arXiv:1912.11554 (NumPyro); Papaspiliopoulos, Roberts & Sköld (2007), Stat Sci 22:59 (non-centred).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from ...errors import ConfigError, DivergedError
from ...extras import from_extra
from ...models.catalogue import Target
from ...trials import Trials
from ..likelihood.fitted import sessions_in_words
from ..likelihood.maximum_likelihood import check_datasets, space_for
from ..likelihood.parameter_space import Held, M, ParameterSpace
from .convergence import MAX_R_HAT, MIN_ESS
from .hierarchical import check_subjects, place_scales, signal_scales
from .means_and_spreads import SPREAD_SCALE
from .normal_group import WEAK
from .sampled import Chains, HierarchicalPosterior
from .sampled_description import described_draws
from .terms import SignalScales, TrialTerms

MEAN_SD = WEAK
"""Prior SD of the group's mean about its centre, in scales (`place_scales`). The centre is the
middle of the parameter's starting range; of a signal, gain 0, the signal's mean and its SD."""
START_RADIUS = 0.5
"""Chains begin at uniform draws within so much of the middle, on the scale that they walk on."""
DENSE = 300
"""Numbers up to which the chains learn how all of them hang together, and not each scale alone."""
MAX_DIVERGENT = 0.01
"""Share of transitions that may leave the posterior's surface."""


def sample_hierarchical(
    model: type[M] | M,
    trials: Trials,
    *,
    target: Target = "choice",
    key: Key[Array, ""],
    n_chains: int = 4,
    n_warmup: int = 1000,
    n_samples: int = 1000,
    variant: str | None = None,
    fixed: Held | None = None,
    free: Sequence[str] = (),
) -> HierarchicalPosterior:
    """Draws from the posterior of a group and of each subject in it, by NUTS.

    mean ~ Normal(centre, (5 scale)^2), spread ~ HalfNormal(2.5 scale), u_i = mean + spread z_i with
    z_i ~ Normal(0, 1), on the unconstrained scale, through the likelihood of `fit_hierarchical`.
    The scale is 1 of a parameter with a bound (logit or log), otherwise two fifths of its starting
    range; the centre is the middle of that range; gains, offsets and residual SDs are in units of
    the signal's SD, about 0, the signal's mean and its SD. It takes minutes where
    `fit_hierarchical` takes seconds. Needs the extra `bayes` (NumPyro).

    Args:
        model: a class of cognitive model, or a model.
        trials: of all subjects. Those without a scored trial get the group's parameters.
        target: "choice" samples the parameters from the choices alone; "signal" and "both" sample
            gains, offsets and residual SDs as well.
        key: of chains and starts.
        n_chains: number of chains, at least 2.
        n_warmup: draws of each chain that adapt its steps, and are thrown away.
        n_samples: draws of each chain that are kept, at least 100.
        variant, fixed, free: as in `fit_maximum_likelihood`.

    Returns:
        Posteriors of the group's median and spread and of each subject with 95 % intervals, R-hat
        and effective sample size; the draws; and a model of the posterior medians.

    Raises:
        ConfigError: NumPyro is not installed; an option is unknown, contradicts another, or does
            not fit the model.
        DataError: fewer than two subjects have a scored trial, or a signal does not vary.
        DivergedError: the chains have not converged: R-hat of any number is above 1.01, its
            effective sample size is below 400, or more than 1 % of the transitions diverged.

    Source:
        Hoffman & Gelman (2014), J Mach Learn Res 15:1593; Vehtari et al. (2021), Bayesian Anal
        16:667 (R-hat, effective sample size).
    """
    _check_chains(n_chains, n_warmup, n_samples)
    from_extra("numpyro", "bayes")
    check_subjects(trials)
    if target == "choice":
        trials = trials.select_signals(())
    check_datasets([trials], target)
    space = space_for(model, [trials], target, variant=variant, fixed=fixed, free=free)
    if not space.places and target == "choice":
        raise ConfigError(f"{space.template.name} has no free parameter, so nothing is sampled.")
    with jax.enable_x64(True):
        scales, n_subjects = signal_scales(trials), len(trials.names.subjects)
        terms = TrialTerms(space, trials.batch(np.float64), scales, n_subjects, target)
        prior = _prior(space, trials, scales)
        if not np.isfinite(terms.log_likelihood(jnp.tile(prior.centre, (n_subjects, 1)))).all():
            raise DivergedError(
                f"{space.template.name} has no finite likelihood on {sessions_in_words(trials)} in "
                "the middle of its starting ranges. Look for extreme outcomes or signals there."
            )
        chains = _sampled(terms, prior, key, n_chains, n_warmup, n_samples)
        found = described_draws(space, target, trials, chains, scales)
    check_converged(found, n_chains, n_warmup, n_samples)
    return found


class _Prior(NamedTuple):
    """centre: of the group's mean. scale: what a large difference between subjects is."""

    centre: Float[Array, " place"]
    scale: Float[Array, " place"]


def _check_chains(n_chains: int, n_warmup: int, n_samples: int) -> None:
    if n_chains < 2 or min(n_warmup, n_samples) < 100 or n_chains * n_samples < MIN_ESS:
        raise ConfigError(
            f"n_chains is {n_chains}, n_warmup {n_warmup} and n_samples {n_samples}; there must be "
            "at least 2 chains, which are compared, 100 draws of each kind, and "
            f"{MIN_ESS} kept in all."
        )


def _prior(space: ParameterSpace, trials: Trials, scales: SignalScales) -> _Prior:
    """Of the parameters, then of gain, offset and log residual SD of each signal."""
    values = np.where(trials.signal_scored, trials.signal, np.nan)
    means = np.nanmean(values, axis=(0, 1)) if values.shape[-1] else np.zeros(0)
    of_signals = [[0.0, mean / sd, 0.0] for mean, sd in zip(means, scales.sd, strict=True)]
    of_signals = jnp.asarray(of_signals, float).ravel()
    return _Prior(
        jnp.concatenate([space.middle(), of_signals]),
        jnp.concatenate([place_scales(space), jnp.ones_like(of_signals)]),
    )


def _sampled(terms: TrialTerms, prior: _Prior, key, n_chains, n_warmup, n_samples) -> Chains:
    numpyro: Any = from_extra("numpyro", "bayes")
    infer: Any = from_extra("numpyro.infer", "bayes")
    normal, half_normal = (
        getattr(from_extra("numpyro.distributions", "bayes"), kind)
        for kind in ("Normal", "HalfNormal")
    )
    n_places, n_subjects = len(prior.scale), terms.n_subjects

    def group(terms: TrialTerms, prior: _Prior) -> None:
        def each(distribution, *shape):
            return distribution.expand(shape).to_event(len(shape))

        mean = numpyro.sample("mean", each(normal(0.0, MEAN_SD), n_places))
        spread = numpyro.sample("spread", each(half_normal(SPREAD_SCALE), n_places))
        z = numpyro.sample("z", each(normal(0.0, 1.0), n_subjects, n_places))
        u = prior.centre + prior.scale * (mean + spread * z)
        numpyro.factor("data", terms.log_likelihood(u).sum())

    kernel = infer.NUTS(
        group,
        dense_mass=n_places * (n_subjects + 2) <= DENSE,
        init_strategy=infer.init_to_uniform(radius=START_RADIUS),
    )
    chains = infer.MCMC(
        kernel, num_warmup=n_warmup, num_samples=n_samples, num_chains=n_chains,
        chain_method="vectorized", progress_bar=False, jit_model_args=True,
    )  # fmt: skip
    chains.run(key, terms, prior, extra_fields=("diverging",))
    found = {k: np.asarray(v) for k, v in chains.get_samples(group_by_chain=True).items()}
    centre, scale = np.asarray(prior.centre), np.asarray(prior.scale)
    mean, spread = centre + scale * found["mean"], scale * found["spread"]
    own = mean[:, :, None] + spread[:, :, None] * found["z"]
    return Chains(mean, spread, own, int(np.sum(chains.get_extra_fields()["diverging"])))


def check_converged(found: HierarchicalPosterior, n_chains, n_warmup, n_samples) -> None:
    """Raises DivergedError where draws cannot be reported."""
    advice = (
        f"Raise n_warmup (now {n_warmup:,}) or n_samples (now {n_samples:,}); where that does not "
        "help, the data do not tell the parameters apart: fix one, or leave a part out."
    )
    numbers = [(f"the group's {name}", one) for name, one in found.group.items()]
    numbers += [
        (f"{name} of {subject}", one)
        for subject, each in found.subjects.items()
        for name, one in each.items()
    ]
    name, worst = max(numbers, key=lambda x: np.nan_to_num(x[1].r_hat, nan=np.inf))
    if not worst.r_hat <= MAX_R_HAT:
        raise DivergedError(
            f"The {n_chains} chains do not agree: R-hat of {name} is {worst.r_hat:.3f}, and may be "
            f"{MAX_R_HAT} at most. {advice}"
        )
    name, worst = min(numbers, key=lambda x: x[1].ess)
    if not worst.ess >= MIN_ESS:
        raise DivergedError(
            f"The draws are too much alike: those of {name} are worth {worst.ess:.0f} independent "
            f"ones, and must be worth {MIN_ESS}. {advice}"
        )
    allowed = MAX_DIVERGENT * n_chains * n_samples
    if found.n_divergent > allowed:
        raise DivergedError(
            f"{found.n_divergent} of {n_chains * n_samples:,} transitions diverged, and "
            f"{allowed:.0f} may at most: parts of the posterior were not reached. {advice}"
        )
