"""Subjects of a new table that a run was not fitted to, and the sessions that describe them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from ...errors import ConfigError
from ...fit.group.means import MeansGroup
from ...fit.group.priors import GroupPrior, prior_of_group, prior_over_subjects
from ...fit.new_subjects import Newcomers, describe_new_subjects
from ...models.base import Model
from ...models.by_subject import BySubject
from ...models.catalogue import find_fit
from ...trials import Trials
from ..fit.folder import Run
from ..fit.known import KnownData
from .config import PredictConfig


class NewSubjects(NamedTuple):
    """The new subjects of new trials, and which of their sessions describe them.

    Attributes:
        numbers: of the subjects.
        order: place of each session among those of its subject, from 0.
        n_describing: how many first sessions of each new subject describe it, by number.
        left_out: names of the other subjects here that the run knows and was not fitted to.
    """

    numbers: Int[np.ndarray, " new"]
    order: Int[np.ndarray, " session"]
    n_describing: dict[int, int]
    left_out: tuple[str, ...] = ()

    @property
    def most(self) -> int:
        """The most sessions that describe one of them."""
        return max(self.n_describing.values(), default=0)

    def describing(self, trials: Trials, most: int | None = None) -> Bool[np.ndarray, " session"]:
        """Which sessions describe a new subject. most: of each; all that are to by default."""
        of_subject = [self.n_describing.get(int(i), 0) for i in trials.subject]
        n = np.array(of_subject) if most is None else np.minimum(of_subject, most)
        return self.order < n


def new_subjects(
    config: PredictConfig, run: Run, trials: Trials, known: KnownData, tells_apart: bool
) -> NewSubjects:
    """Who is new.

    Args:
        config: which sessions describe new subjects, and who else counts as new.
        run: that is asked.
        trials: of the new table.
        known: what the models know of the run's table.
        tells_apart: whether a model has anything of a subject's own; without one, no session needs
            to describe a subject, unless `config` says how many are to.

    Raises:
        ConfigError: a subject that is to be described was fitted, or has no session here.
    """
    names = trials.names.subjects
    here = {names[i] for i in trials.subject}
    share = dict(zip(known.subjects, fitted_share(run, known), strict=True))
    for name in config.describe:
        if name not in here:
            raise ConfigError(
                f"describe names the subject {name}, which has no session in this table; there is "
                f"{', '.join(sorted(here)[:6])}."
            )
        if share.get(name, 0.0) > 0:
            raise ConfigError(
                f"describe names the subject {name}, to which the run was fitted: it is described "
                "already. Hold out all its sessions in a run (--split.test-subjects) to see how "
                "well it can be described from a few."
            )
    wanted = (set(here) - set(known.subjects)) | set(config.describe)
    numbers = np.array([i for i, name in enumerate(names) if name in wanted], np.int64)
    order = np.zeros(trials.n_sessions, np.int64)
    for subject in np.unique(trials.subject):
        order[trials.subject == subject] = np.arange((trials.subject == subject).sum())
    n_describing = {}
    for i in numbers.tolist():
        n = int((trials.subject == i).sum())
        half = n // 2 if tells_apart else 0
        n_describing[i] = half if config.fit_sessions is None else min(config.fit_sessions, n - 1)
    left_out = [n for n in known.subjects if n in here - wanted and not share[n] > 0]
    return NewSubjects(numbers, order, n_describing, tuple(left_out))


def newcomers(
    found: NewSubjects, run: Run, trials: Trials, known: KnownData, most: int | None = None
) -> Newcomers:
    """The new subjects as models are told of them. most: sessions of each, as for `describing`."""
    which = np.flatnonzero(found.describing(trials))  # all, so that each number compiles alike
    counted = found.describing(trials, most)[which]
    return Newcomers(
        numbers=found.numbers,
        n_subjects=len(trials.names.subjects),
        weight=fitted_share(run, known),
        sessions=trials.select_sessions(which) if len(which) else None,
        counted=counted,
    )


def fitted_share(run: Run, known: KnownData) -> Float[np.ndarray, " subject"]:
    """Each subject's share of the choices that the run was fitted to."""
    model = next(iter(run.metrics["models"].values()))
    of_subject = model["fitted_sessions"]["subjects"]
    n = np.array([of_subject.get(name, {"n_choices": 0})["n_choices"] for name in known.subjects])
    return n / max(n.sum(), 1)


def described_models(
    models: Mapping[str, Model], new: NewSubjects, run: Run, trials: Trials, known: KnownData,
    most: int | None = None,
) -> dict[str, Model]:  # fmt: skip
    """The models of a run, which know the new subjects. most: sessions of each that describe it."""
    if not len(new.numbers):
        return dict(models)
    who = newcomers(new, run, trials, known, most)
    return {
        name: describe_new_subjects(
            model, who._replace(prior=_prior(run, name, model), target=find_fit(name).target)
        )
        for name, model in models.items()
    }


def _prior(run: Run, name: str, model: Model) -> GroupPrior | MeansGroup | None:
    """What the run says beforehand of a subject that a model by subject was not fitted to."""
    if not isinstance(model, BySubject):
        return None
    notes = run.metrics["models"][name]["fit"]
    if "means_differ" in notes:
        differ = notes["means_differ"]
        within, between = (np.array(differ[x], float) for x in ("within", "between"))
        return MeansGroup(within, np.where(np.isnan(between), np.inf, between))
    if "group" in notes:
        return prior_of_group(notes["group"])
    residual_sd = {
        signal: {
            subject: each[f"residual_sd[{signal}]"]["estimate"]
            for subject, each in notes["subjects"].items()
            if f"residual_sd[{signal}]" in each
        }
        for signal in run.config.table.signal
    }
    return prior_over_subjects(model, residual_sd)
