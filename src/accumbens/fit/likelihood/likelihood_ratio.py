"""The likelihood-ratio test of nested models: some parameters held, against all fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jaxtyping import Array, Key
from scipy import special

from ...errors import ConfigError
from ...summary import Summary, counted, summarized
from ...trials import Trials
from .fitted import MaximumLikelihoodFit
from .maximum_likelihood import fit_maximum_likelihood
from .parameter_space import Held, M
from .profiles import NOTHING


@summarized
class LikelihoodRatio(NamedTuple):
    """Whether the data speak against a model with some parameters held.

    Attributes:
        statistic: 2 (log L of the full model - log L of the held one), at least 0.
        degrees: of freedom; how many parameters are held that are fitted in the full model.
        at_bound: how many of them are held at a bound, 0 or 1. With one, the null distribution is
            an even mixture of chi-square with `degrees - 1` and with `degrees` degrees of freedom.
        p: probability of as large a statistic where the held model is true.
        full, held: both fits.
    """

    statistic: float
    degrees: int
    at_bound: int
    p: float
    full: MaximumLikelihoodFit
    held: MaximumLikelihoodFit

    def _summary(self) -> Summary:
        n = self.degrees
        several = f"{n - 1} and {n} degrees" if self.at_bound else counted(n, "degree")
        against = f"{'an even mixture of ' * self.at_bound}chi-square with {several} of freedom"
        facts = [
            ("statistic", f"{self.statistic:.4g}, against {against}"),
            ("p", f"{self.p:.4g}"),
            ("held", ", ".join(f"{name} = {value}" for name, value in self.held.held.items())),
        ]
        return Summary("Likelihood-ratio test", facts)


def likelihood_ratio_test(
    model: type[M] | M,
    trials: Trials,
    null: Held,
    *,
    key: Key[Array, ""],
    fixed: Held | None = None,
    free: Sequence[str] = (),
    **options: Any,
) -> LikelihoodRatio:
    """Tests whether some parameters of a cognitive model have given values, or equal others.

    2 (log L - log L with the parameters of `null` held) follows chi-square with as many degrees of
    freedom as parameters are held, where these lie inside their bounds. Where one is held at a
    bound, half of the probability is that of one degree less.

    Args:
        model: a class of cognitive model, or a model.
        trials: to fit.
        null: for some parameters a value, or the name of the parameter that they are equal to.
        key: of the starts.
        fixed: held in both fits.
        free: fitted although they have a default (except where `null` holds them).
        options: others of `fit_maximum_likelihood` (target, n_starts, ...).

    Raises:
        ConfigError: nothing is held, or it is held in the full model too; two or more parameters
            are held at a bound, or others mean nothing where they are held: the null distribution
            is not known then.
        DataError: as in `fit_maximum_likelihood`.

    Source:
        Wilks (1938), Ann Math Stat 9:60; at a bound: Self & Liang (1987), J Am Stat Assoc 82:605,
        cases 5 and 6.

    Example:
        >>> import jax
        >>> import accumbens
        >>> agent, task = accumbens.DFQ(0.4, 0.0, 2.0, 0.5), accumbens.DriftingBandit()
        >>> key = jax.random.key(0)
        >>> trials = accumbens.simulate(agent, task, n_sessions=5, n_trials=100, key=key)
        >>> test = accumbens.fit.likelihood_ratio_test
        >>> test(accumbens.DFQ, trials, {"forgetting_rate": 0.0}, key=key).p > 0.05
        True
    """
    if not null:
        raise ConfigError("null is empty. Name at least one parameter and the value to test.")
    free = tuple(dict.fromkeys([*free, *_with_a_default(model, null, fixed)]))
    full = fit_maximum_likelihood(model, trials, key=key, fixed=fixed, free=free, **options)
    missing = [name for name in null if not _places(full, name)]
    if missing:
        raise ConfigError(
            f"The full model does not fit {', '.join(missing)}, so there is nothing to test. Leave "
            "it out of fixed, or choose another target."
        )
    left = tuple(name for name in free if name not in null)
    both = {**(fixed or {}), **null}
    held = fit_maximum_likelihood(model, trials, key=key, fixed=both, free=left, **options)
    degrees = sum(len(_places(full, name)) for name in null)
    if full.n_parameters - held.n_parameters != degrees:
        raise ConfigError(
            f"With {_in_words(null)}, other parameters mean nothing, so the distribution of the "
            "statistic is not known. Compare the models on held-out sessions (accumbens.compare)."
        )
    n_at_bound = sum(_at_bound(full, name, value) for name, value in null.items())
    if n_at_bound > 1:
        raise ConfigError(
            f"With {_in_words(null)}, more than one parameter is at a bound, and the distribution "
            "of the statistic is not known. Test one at a time."
        )
    statistic = max(0.0, 2 * (full.log_likelihood - held.log_likelihood))
    p = _tail(statistic, degrees)
    if n_at_bound:
        p = (p + _tail(statistic, degrees - 1)) / 2
    return LikelihoodRatio(statistic, degrees, n_at_bound, p, full, held)


def _with_a_default(model: Any, null: Held, fixed: Held | None) -> list[str]:
    """Parameters of the null that the full model would not fit unless it is told to."""
    known = model.parameters if isinstance(getattr(model, "parameters", None), Mapping) else {}
    of_parts = (name for name in null if name not in known)
    held = (name for name in null if name in known and known[name].default is not None)
    return [name for name in (*of_parts, *held) if name not in (fixed or {})]


def _places(fit: MaximumLikelihoodFit, name: str) -> list[str]:
    """The estimates of one parameter: several of a vector."""
    return [key for key in fit.parameters if key == name or key.startswith(f"{name}[")]


def _at_bound(fit: MaximumLikelihoodFit, name: str, value: float | str) -> bool:
    if isinstance(value, str):
        return False
    parameter = fit.model.parameters[name]
    return value in (parameter.low, parameter.high)


def _tail(statistic: float, degrees: int) -> float:
    """Probability of at least this statistic under chi-square; 0 degrees: it is always 0."""
    if degrees == 0:
        return float(statistic < NOTHING)
    return float(special.chdtrc(degrees, statistic)) if statistic > 0 else 1.0


def _in_words(null: Held) -> str:
    return " and ".join(f"{name} held at {value}" for name, value in null.items())
