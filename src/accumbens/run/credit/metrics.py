"""The content of metrics.json of an analysis of credit."""

from __future__ import annotations

import math
from typing import Any

from ...compiled.libraries import builds
from ...credit.answers import TwoAnswers, in_words
from ...credit.history.refit import refit_implementation
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
            key: _or_none(getattr(index, key)) for key in ("value", "standard_error", "low", "high")
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
                    "p_one_sided": _or_none(float(test.p_values()[i])),
                    "p_two_sided": _or_none(float(test.p_values("two-sided")[i])),
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
        spread = {name: _or_none(value) for name, value in under_group.spread.items()}
        group["history"] = {"spread": spread, "in_words": under_group.in_words}
    return {
        "data": data, "subjects": subjects, "group": group, "tests": tests,
        "schedule": schedule_metrics(found.calibration, trusted),
        "animals": found.animals,
        "refits": refit_implementation(), "compiled": builds(), "warnings": list(found.warnings),
    }  # fmt: skip


def _answered(answer: TwoAnswers) -> dict[str, Any]:
    """Both answers; a number that is not finite is null."""
    like, why = answer.like_these, answer.why_not
    these = {
        k: _or_none(v) if isinstance(v, float) else v for k, v in answer.these._asdict().items()
    }
    found: dict[str, Any] = {"in_these_animals": these}
    if like is None:
        return found | {"in_animals_like_these": None, "why_no_animals_like_these": why}
    plain: dict[str, Any] = like._asdict() | {"weighted": None}
    if like.weighted is not None:
        plain["weighted"] = {k: _or_none(v) for k, v in like.weighted._asdict().items()}
    numbers = {k: _or_none(v) if isinstance(v, float) else v for k, v in plain.items()}
    return found | {"in_animals_like_these": numbers}


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
