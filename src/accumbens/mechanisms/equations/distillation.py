"""From a fitted network to equations in the field's form, and to the model that they make."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from ...errors import ConfigError
from ...models.base import Model
from ...models.disrnn import DisRNN
from ...models.disrnn.recurrence.scan import LATENT_BOUND
from ...models.distilled import Distilled
from ...scoring.bootstrap import Resampling, check_rng, session_weights, unit_of
from ...trials import Trials
from ...unrolling import unroll
from .assembly import assembled, terms_of
from .candidates import Candidate, Judge, candidates_of, choose
from .elimination import Gram, elimination_path, gram_of
from .equation import Equation, unit_factors
from .library import DEGREES, Library, rule_library, signal_library
from .points import Points, points_of
from .result import Distillation
from .scales import scale_of

TOLERANCE = 5e-4
"""Nats per trial that fewer terms may cost: a tenth of what half a percent of likelihood is."""
RULE_TOLERANCE = 1e-4
"""The same for the terms of the choice rule alone."""
LINES = 2.5e-3
"""Divergence up to which equations that are lines in the latents will do: a quarter of a percent of
likelihood."""
SIGNAL_TOLERANCE = 0.01
"""Share of a signal's variance that fewer terms of its rule may leave unexplained."""


def distill(
    model: Model,
    trials: Trials,
    *,
    rng: np.random.Generator,
    latents: tuple[str, ...] | None = None,
    tolerance: float = TOLERANCE,
    n_draws: int = 100,
) -> Distillation:
    """Equations for the latents, the choice rule and the signals of a fitted model.

    Choices and outcomes are few, so each update is a set of functions of the latents, one for each
    choice and outcome. They are regressed on a library of terms where the trials lie, in units in
    which they read in the field's form (see `Scale`). Terms go as long as the equations, left to
    themselves from the first trial on, say the same of the choices as the network. The terms are
    lines in the latents; where lines do not say the same, also powers and products of latents.
    Where the network itself says hardly more than the same of every trial, the choice rule is that.

    z_k <- z_k + sum_t weight_kt term_t(z, choice, outcome)
    log p(i) / p(0) = sum_t weight_it term_t(z)

    Args:
        model: a fitted disRNN; or any other whose state is its latents.
        trials: where the equations are to hold, usually the sessions that the model was fitted to.
            With a subject embedding, the equations are of all animals of the trials together; give
            one animal's trials for its own.
        rng: of the resamples.
        latents: which to describe; by default those open.
        tolerance: nats per trial that fewer terms may cost, as KL divergence of the network's
            choices from the equations'.
        n_draws: resamples of sessions (of animals from three on), for inclusion frequencies and
            intervals. These say how far an equation depends on where the data lie, not how well the
            network is determined: see `refit_equations` and several fits for that.

    Returns:
        The equations, and the distilled model that they make.

    Raises:
        ConfigError: an option is impossible, or there are too many latents.
        DataError: the model does not suit the trials, or they have too few choices.

    Source:
        Brunton, Proctor & Kutz (2016), PNAS 113:3932, sparse regression of dynamics; elimination
        instead of thresholds: Boninsegna, Nüske & Clementi (2018), J Chem Phys 148:241723.
    """
    check_rng(rng)
    if not 0 < tolerance < 1:
        raise ConfigError(f"tolerance is {tolerance:g} nats; it must lie between 0 and 1.")
    if n_draws < 0:
        raise ConfigError(f"n_draws is {n_draws}; it cannot be negative.")
    seen = points_of(model, trials, latents)
    scales = tuple(scale_of(seen, k, trials.n_choices) for k in range(len(seen.latents)))
    zero, one = (np.array([getattr(s, end) for s in scales]) for end in ("zero", "one"))
    points, bounds = seen.rescaled(zero, one), _bounds(model, seen, zero, one)
    drawn = _resampling(trials, n_draws, rng)
    unrolled = unroll(model, trials)
    log_p = jax.nn.log_softmax(jnp.asarray(unrolled.choice_logits))
    memory = _memory(points.log_odds)
    tried = []
    for degree in DEGREES:  # curves only where lines do not say the same as the network
        choices = _choice_rule(points, drawn, degree, constant=memory <= tolerance)
        signals = _signal_rule(points, drawn)
        candidates = [
            candidates_of(points, k, s, trials.n_choices, degree) for k, s in enumerate(scales)
        ]
        template, place = _template(points, candidates, choices, signals, bounds)
        judge = Judge(template, place, trials.batch(), log_p, unrolled.signals)
        chosen = choose(candidates, judge, tolerance, at_least=LINES if tried else 0.0)
        tried.append(float(judge([chosen])[0]))
        if tried[-1] <= LINES or not points.latents:
            break
    updates = tuple(
        _equation(points.latents[k], one.candidate.library, one.candidate.gram, one.chosen, drawn)
        for k, one in enumerate(chosen)
    )
    factors = unit_factors(updates, scales, len(drawn.weights))
    updates = tuple(one.rescaled(factors, k) for k, one in enumerate(updates))
    choices = tuple(one.rescaled(factors) for one in choices)
    signals = tuple(one.rescaled(factors) for one in signals)
    ends = tuple(end / factors[0] for end in bounds)
    return Distillation(
        latents=points.latents,
        scales=tuple(
            s._replace(one=s.zero + f * (s.one - s.zero))
            for s, f in zip(scales, factors[0], strict=True)
        ),
        updates=updates,
        choice_rule=choices,
        signal_rule=signals,
        model=assembled(
            updates, choices, signals, points.latents, trials.names,
            points.initial / factors[0], ends,
        ),
        divergence=tried[-1],
        memory=memory,
        divergence_of_lines=tried[0],
        tolerance=tolerance,
        drawn=drawn,
        trials=trials,
    )  # fmt: skip


def _resampling(trials: Trials, n_draws: int, rng) -> Resampling:
    """Of a single session there are no resamples."""
    unit = unit_of(trials.subject)
    if trials.n_sessions < 2 or n_draws == 0:
        return Resampling(np.zeros((0, trials.n_sessions)), trials.subject, unit)
    return Resampling(session_weights(trials.subject, n_draws, rng, unit), trials.subject, unit)


def _memory(log_odds: np.ndarray) -> float:
    """What choices owe to the past: nats per trial (KL) by which a model's probabilities differ
    from the same probabilities on every trial, whichever come nearest (their mean)."""
    log_p = log_odds - np.logaddexp.reduce(log_odds, axis=1, keepdims=True)
    p = np.exp(log_p)
    return float((p * (log_p - np.log(p.mean(0)))).sum(1).mean())


def _choice_rule(
    points: Points, drawn: Resampling, degree: int, *, constant: bool
) -> tuple[Equation, ...]:
    """Log-odds of each further choice against choice 0; errors count where choices are open.

    constant: without latents.
    """
    n_choices = points.trials.n_choices
    library = rule_library(points, n_choices, degree)
    if constant:
        library = library.where(library.latent_power.sum(1) == 0)
    features = library.features(points)
    p = np.exp(points.log_odds - np.logaddexp.reduce(points.log_odds, axis=1, keepdims=True))
    found = []
    for i in range(1, n_choices):
        weight = p[:, i] * (1 - p[:, i])
        gram = gram_of(features, points.log_odds[:, i], points.session, points.n_sessions, weight)
        whole = gram.summed(np.ones(points.n_sessions))
        path = elimination_path(whole)
        # nats that a squared error of the log-odds costs: half of it, times p (1 - p)
        nats = path.unexplained * whole.square * weight.mean() / 2
        enough = np.flatnonzero(nats <= nats.min() + RULE_TOLERANCE)
        found.append(_equation(str(i), library, gram, path.chosen[enough[-1]], drawn))
    return tuple(found)


def _signal_rule(points: Points, drawn: Resampling) -> tuple[Equation, ...]:
    names = points.trials.names.signals[: points.signals.shape[1]]
    if not names:
        return ()
    library = signal_library(points, points.trials.n_choices)
    features = library.features(points)
    found = []
    for i, name in enumerate(names):
        signal = points.signals[:, i]
        gram = gram_of(features, signal, points.session, points.n_sessions)
        path = elimination_path(gram.summed(np.ones(points.n_sessions)))
        of_variance = path.unexplained * np.mean(signal**2) / max(float(signal.var()), 1e-300)
        enough = np.flatnonzero(of_variance <= of_variance.min() + SIGNAL_TOLERANCE)
        found.append(_equation(name, library, gram, path.chosen[enough[-1]], drawn))
    return tuple(found)


def _equation(of: str, library: Library, gram: Gram, chosen, drawn: Resampling) -> Equation:
    """The chosen terms, with their weights in every resample and how often each is chosen there."""
    whole = gram.summed(np.ones(len(gram.weight)))
    weight = whole.solved(chosen)
    draws = np.empty((len(drawn.weights), int(chosen.sum())))
    included = np.zeros(int(chosen.sum()))
    for i, weights in enumerate(drawn.weights):
        summed = gram.summed(weights)
        found = summed.solved(chosen)
        draws[i] = found[chosen]
        path = elimination_path(summed)
        as_much = max(summed.unexplained(found) * (1 + 1e-6), 1e-8)
        included += path.chosen[path.sparsest(as_much)][chosen]
    return Equation(
        of, library.where(chosen), weight[chosen], draws, included / max(len(draws), 1),
        whole.unexplained(weight),
    )  # fmt: skip


def _bounds(model: Model, seen: Points, zero, one) -> tuple[np.ndarray, np.ndarray]:
    """What latents cannot leave: the network's bounds; of other models, twice the range seen."""
    if isinstance(model, DisRNN):
        ends = np.full((2, len(zero)), LATENT_BOUND) * np.array([[-1.0], [1.0]])
    else:
        low, high = seen.before.min(0), seen.before.max(0)
        ends = np.array([low - (high - low) / 2, high + (high - low) / 2])
    ends = (ends - zero) / (one - zero)
    return ends.min(0), ends.max(0)


def _template(
    points: Points, candidates: list[list[Candidate]], choice_rule, signal_rule, bounds
) -> tuple[Distilled, dict]:
    """A model that holds every term of every candidate, and where each candidate's terms lie."""
    place, libraries, n = {}, [], 0
    for k, several in enumerate(candidates):
        for one in several:
            place[k, one.coding] = slice(n, n + one.library.n)
            libraries.append(one.library)
            n += one.library.n
    everything = [
        Equation("", part, np.zeros(part.n), np.zeros((0, part.n)), np.zeros(part.n), 1.0)
        for part in libraries
    ]
    names, n = points.trials.names, len(points.latents)
    model = assembled((), choice_rule, signal_rule, points.latents, names, points.initial, bounds)
    terms = terms_of(everything, [0] * len(everything), n, n, names)
    return dataclasses.replace(model, update_rule=terms), place
