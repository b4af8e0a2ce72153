"""Tests and intervals of groups, sessions and units: rejections at 5 %, and coverage of 95 %.

A line a row: the old way (as in 0.1.0) and the new one, each with its binomial (Wilson) interval.
Targets: nulls reject in 3.5 to 6.5 %, intervals hold the truth in 92 to 98 %. The old ways of the
rows of groups and of value units test another null hypothesis; that is the point of them. Linear
shifts are conservative by construction.
"""

import time
import warnings

import jax
import numpy as np
import statsmodels.api as sm
from scipy import stats
from statsmodels.genmod.bayes_mixed_glm import BinomialBayesMixedGLM

from accumbens.credit.answers import two_answers
from accumbens.credit.history.fitting import fit_history, pooled_history
from accumbens.credit.history.indices import index_contrasts
from accumbens.credit.randomization import distractor_test
from accumbens.credit.schedule import Schedule, schedule_of
from accumbens.models.history import HistoryRegression
from accumbens.neural.model_signals import signals_on_latents
from accumbens.neural.units.selectivity import unit_selectivity
from accumbens.scoring.animals import across_animals
from accumbens.scoring.bootstrap import Resampling, percentile_interval, session_weights
from accumbens.simulation import simulate
from accumbens.tasks.distractor import DistractorRewards
from accumbens.trials import TrialNames, trials_from_arrays
from inference.shares import share

CONTROLLABLE, DISTRACTOR = 1.0, 0.5


def regressions(n, rng, *, distractor_sd=0.0, distractor=0.0, bias_sd=0.0):
    """Animals with one lag; the distractor weight varies between them."""
    weights = np.zeros((n, 4, 1), np.float32)
    added = distractor + distractor_sd * rng.normal(size=n)
    weights[:, 0, 0], weights[:, 1, 0] = -0.3, -0.3 + CONTROLLABLE
    weights[:, 2, 0], weights[:, 3, 0] = -0.3 + added, -0.3 + CONTROLLABLE + added
    return HistoryRegression((bias_sd * rng.normal(size=n)).astype(np.float32), weights)


def cohorts(model, n_sessions, n_trials, seed):
    """Sessions of all subjects of a model, one subject after another."""
    subject = np.repeat(np.arange(model.bias.shape[0]), n_sessions)
    return simulate(
        model, DistractorRewards(), n_sessions=len(subject), n_trials=n_trials,
        key=jax.random.key(seed), subject=subject.tolist(),
    )  # fmt: skip


def part(trials, index):
    return trials.select_sessions(np.asarray(index))


def animals(n):
    """Distractor effects vary about 0 between 6 animals: is it there in animals like these?"""
    rng, size, m = np.random.default_rng(0), 6, 2
    trials = cohorts(regressions(n * size, rng, distractor_sd=0.4), m, 150, 1)
    old = new = 0
    for c in range(n):
        mine = part(trials, range(c * size * m, (c + 1) * size * m))
        test = distractor_test(
            mine, schedule_of(mine), seed=c, n_lags=1, resamples=199, trust_schedule=True
        )
        found = two_answers(test)
        old += found.these.p_one_sided <= 0.05
        new += found.like_these.p_greater <= 0.05
    yield "group p, effects vary about 0 in 6 animals (null)", old, new, n


def group_intervals(n):
    """The mean over animals: percentiles over animals against Student's t."""
    for size in (2, 3, 4, 6, 12):
        rng, old, new = np.random.default_rng(size), 0, 0
        for _ in range(n):
            x = rng.normal(0.3, 1.0, size)
            low, high = percentile_interval(x[rng.integers(0, size, (500, size))].mean(1))
            found = across_animals(x)
            old += low <= 0.3 <= high
            new += found.low <= 0.3 <= found.high
        yield f"group interval, {size} animals", old, new, n


def weights(n):
    """8 or 24 sessions of one animal whose bias differs by 1 (SD) between sessions."""
    rng = np.random.default_rng(0)
    truth = pooled_history(cohorts(regressions(8000, rng, bias_sd=1.0), 1, 150, 5), 1).weights
    for m in (8, 24):
        trials = cohorts(regressions(n * m, rng, bias_sd=1.0), 1, 150, 2)
        names = TrialNames(outcomes=trials.names.outcomes)
        trials = trials_from_arrays(trials.choice, trials.outcome, names=names)  # one animal
        old, new = np.zeros(5, int), np.zeros(5, int)
        for c in range(n):
            fit = pooled_history(part(trials, range(c * m, (c + 1) * m)), 1)
            frame = fit.to_frame()
            new += ((frame["low"] <= truth) & (truth <= frame["high"])).to_numpy()
            half = 1.959964 * np.sqrt(np.diag(fit.trial_covariance))
            old += np.abs(fit.weights - truth) <= half
        for k, name in enumerate(("bias", "none", "controllable", "distractor", "both")):
            yield f"interval of {name}, {m} sessions that differ in bias", old[k], new[k], n


def scores(n):
    """Differences of scores of 7 animals with 19 sessions, alike within an animal."""
    subject = np.repeat(np.arange(7), (4, 3, 3, 3, 2, 2, 2))
    for correlation in (0.0, 0.2, 0.5):
        rng, old, new = np.random.default_rng(0), 0, 0
        for _ in range(n):
            size = rng.integers(200, 400, 19).astype(float)
            of_animal = np.sqrt(correlation) * rng.normal(size=7)[subject]
            mean = 0.1 + of_animal + np.sqrt(1 - correlation) * rng.normal(size=19)
            value = np.array([(size * mean).sum() / size.sum()])
            drawn = {u: session_weights(subject, 500, rng, u) for u in ("session", "subject")}
            draws = {u: (w @ (size * mean) / (w @ size))[:, None] for u, w in drawn.items()}
            low, high = percentile_interval(draws["session"])
            old += bool(low[0] <= 0.1 <= high[0])
            by_animal = Resampling(drawn["subject"], subject, "subject")
            low, high = by_animal.interval(value, draws["subject"], size[:, None], 0.95)
            new += bool(low[0] <= 0.1 <= high[0])
        yield f"interval of a difference of scores, correlation {correlation:g}", old, new, n


def slopes(n):
    """A signal whose slope on a latent varies about 0 between 6 animals of 4 sessions."""
    rng, old, new = np.random.default_rng(0), 0, 0
    subject = np.repeat(np.arange(6), 4)
    names = TrialNames(signals=("x",), subjects=tuple("abcdef"))
    for _ in range(n):
        latent = rng.normal(size=(24, 80))
        signal = (0.3 * rng.normal(size=6))[subject][:, None] * latent + rng.normal(size=(24, 80))
        trials = trials_from_arrays(
            np.zeros((24, 80), int), np.zeros((24, 80, 1)), signal=signal[..., None],
            subject=subject, names=names,
        )  # fmt: skip
        new += signals_on_latents(trials, {"q": latent}, ("q",)).fits["x"].p[1] <= 0.05
        x = sm.add_constant(latent.ravel())
        its = sm.OLS(signal.ravel(), x).fit(
            cov_type="cluster", cov_kwds={"groups": np.repeat(np.arange(24), 80)}, use_t=True
        )
        old += its.pvalues[1] <= 0.05
    yield "regression of a signal, slopes vary about 0 (null)", old, int(new), n


def units(n):
    """Units that code the value of the chosen side before the outcome, and respond to nothing."""
    rng, shape, size = np.random.default_rng(0), (1, 500), 1  # units of one session are alike
    counts, families, total = np.zeros(3), np.zeros(2), 0
    for c in range(n):
        better = (np.arange(500) // 40 + c) % 2 * np.ones(shape, int)
        choice = np.where(rng.random(shape) < 0.8, better, 1 - better)
        p = np.stack([np.where(better == s, 0.8, 0.2) for s in (0, 1)], -1)
        schedule = Schedule(np.stack([p, np.full(p.shape, 0.4)], 2), ("controllable", "distractor"))
        chance = np.take_along_axis(p, choice[..., None], -1)[..., 0]
        outcome = np.stack([rng.random(shape) < chance, rng.random(shape) < 0.4], -1) * 1.0
        rate = 5 + 3 * chance[..., None] + rng.normal(size=(*shape, size))
        names = TrialNames(
            outcomes=schedule.outcomes, signals=tuple(f"unit_{u}" for u in range(size))
        )
        trials = trials_from_arrays(choice, outcome, signal=rate, names=names)
        options = {"rng": rng, "max_shift": 60, "resamples": 199}
        held = {"choice": choice.astype(float), "value": chance}
        for k, how in enumerate((
            {"test": "linear_shift"}, {"test": "linear_shift", "given": held},
            {"test": "schedule", "schedule": schedule},
        )):  # fmt: skip
            table = unit_selectivity(trials, **how, **options)
            counts[k] += (table[table["contrast"] == "controllable"]["p"] <= 0.05).sum()
        total += size
    old, given, schedule_test = counts.astype(int)
    yield "value units: shift, then shift given choice and value", old, given, total
    yield "value units: shift, then redrawn rewards", old, schedule_test, total
    for _ in range(n):  # three contrasts of ten units without any effect
        p = rng.random((10, 3))
        by_contrast = [stats.false_discovery_control(p[:, k]).min() <= 0.05 for k in range(3)]
        families += [any(by_contrast), stats.false_discovery_control(p.ravel()).min() <= 0.05]
    yield "some unit selective where nothing responds (null)", *families.astype(int), n


def mixed(n):
    """Two-stage means of indices against a mixed logistic model: sign, and a fifth of the width."""
    n = max(4, n // 20)
    rng, agree, total = np.random.default_rng(0), 0, 0
    for size in (4, 8, 12):
        model = regressions(n * size, rng, distractor_sd=0.3, distractor=DISTRACTOR, bias_sd=0.3)
        trials = cohorts(model, 3, 200, 30 + size)
        for c in range(n):
            mine = part(trials, range(c * size * 3, (c + 1) * size * 3))
            fits = fit_history(mine, 1)
            contrasts = index_contrasts(fits[0].data)
            design = np.concatenate([f.data.design() for f in fits])
            choice = np.concatenate([f.data.response for f in fits])
            who = np.repeat(np.arange(size), [f.n_scored for f in fits])
            own = np.concatenate([(who[:, None] == s) * design for s in range(size)], axis=1)
            ident = np.tile(np.arange(design.shape[1]), size)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                mixture = BinomialBayesMixedGLM(choice, design, own, ident).fit_map()
            for contrast in contrasts.values():
                found = across_animals(np.array([f.weights @ contrast for f in fits]))
                theirs = float(mixture.fe_mean @ contrast)
                near = abs(found.mean - theirs) <= (found.high - found.low) / 5
                agree += bool(near and np.sign(found.mean) == np.sign(theirs))
                total += 1
    yield "two-stage mean agrees with a mixed logistic model", None, agree, total


def run(cohorts: int) -> None:
    """All rows."""
    print(f"{'':58} {'0.1.0':>22} {'now':>22}      n")
    for rows in (animals, group_intervals, weights, scores, slopes, units, mixed):
        start = time.perf_counter()
        for what, old, new, n in rows(cohorts):
            before = "" if old is None else share(old, n)
            print(f"{what:58} {before:>22} {share(new, n):>22} {n:6}", flush=True)
        print(f"    {rows.__name__}: {time.perf_counter() - start:.0f} s", flush=True)
