"""The content of metrics.json of an analysis of credit."""

from __future__ import annotations

from typing import Any

from ...compiled.libraries import builds
from ...credit.answers import TwoAnswers, in_words
from ...credit.history.refit import refit_implementation
from ..finite import without_nan
from .flavours import flavour_metrics
from .found import Credit
from .schedule_check import schedule_metrics


def credit_metrics(found: Credit, trusted: bool) -> dict[str, Any]:
    """The content of metrics.json. trusted: whether the schedule was to be trusted."""
    subjects: dict[str, Any] = {}
    for fit in found.fits:
        subjects[fit.subject] = {
            "sessions": fit.n_sessions,
            "trials_scored": fit.n_scored,
            "normalized_likelihood": fit.normalized_likelihood,
            "ridge": fit.ridge,
            "indices": {},
        }
    group: dict[str, Any] = {"subjects": len(found.fits), "indices": {}}
    for index in found.indices:
        holder = group if index.subject == "group" else subjects[index.subject]
        holder["indices"][index.name] = {
            key: getattr(index, key) for key in ("value", "standard_error", "low", "high")
        } | {"unit": index.unit, "n_subjects": index.n_subjects}
    tests = {}
    for test, answer in zip(found.tests, found.answers, strict=True):
        tests[test.name] = {
            "resamples": len(test.null),
            "seed": test.seed,
            **_answered(answer),
            "in_words": list(in_words(answer)),
            "holds_under": test.holds_under,
            "flavours_balanced": flavour_metrics(found.balanced, test.name),
            "subjects": {
                name: {
                    "observed": float(test.observed[i]),
                    "p_one_sided": float(test.p_values()[i]),
                    "p_two_sided": float(test.p_values("two-sided")[i]),
                    "trials_redrawn": None if test.redrawn is None else test.redrawn[i],
                }
                for i, name in enumerate(test.subjects)
            },
        }
    data = {
        "subjects": len(found.fits),
        "sessions": found.trials.n_sessions,
        "trials": int(found.trials.length.sum()),
        "trials_scored": int(found.trials.scored.sum()),
        "outcomes": list(found.trials.names.outcomes),
    }
    under_group = found.hierarchical
    if under_group is not None:
        group["history"] = {"spread": dict(under_group.spread), "in_words": under_group.in_words}
    return without_nan({
        "data": data, "subjects": subjects, "group": group, "tests": tests,
        "schedule": schedule_metrics(found.calibration, trusted),
        "animals": found.animals,
        "refits": refit_implementation(), "compiled": builds(), "warnings": list(found.warnings),
    })  # fmt: skip


def _answered(answer: TwoAnswers) -> dict[str, Any]:
    """Both answers."""
    like, why = answer.like_these, answer.why_not
    found: dict[str, Any] = {"in_these_animals": answer.these._asdict()}
    if like is None:
        return found | {"in_animals_like_these": None, "why_no_animals_like_these": why}
    weighted = None if like.weighted is None else like.weighted._asdict()
    return found | {"in_animals_like_these": like._asdict() | {"weighted": weighted}}
