"""The statistics of a fit in the words of a methods section."""

from __future__ import annotations

from typing import Any

from ...models.catalogue import find_fit
from ...summary import counted
from ..methods import section
from .config import FitConfig
from .labels import label_in_run

UNITS = {
    "subject": "animals as independent units",
    "session within subject": "sessions within animals as independent units",
    "session": "sessions as independent units",
}


def fit_methods(metrics: dict[str, Any], config: FitConfig) -> str:
    """Markdown; only what was done is in it.

    Args:
        metrics: what metrics.json says.
        config: the options of the run.
    """
    parts = [_data(metrics), _models(metrics, config), _scores(metrics, config),
             _left_out(metrics), _contrast(metrics), _verdict(metrics)]  # fmt: skip
    return section("Methods: models of choices and signals", [part for part in parts if part])


def _data(metrics: dict[str, Any]) -> str:
    data = metrics["data"]
    start = (
        f"Models were fitted to {counted(data['sessions_fitted'], 'session')} of "
        f"{counted(data['subjects'], 'subject')}"
    )
    if not data["sessions_held_out"]:
        return f"{start} and scored on the same; no session was held out."
    return (
        f"{start} and scored on the other {data['sessions_held_out']} ({data['split']}; "
        f"{data['choices_scored']:,} scored choices, hash {data['scored_trials_hash']})."
    )


def _models(metrics: dict[str, Any], config: FitConfig) -> str:
    several, said = metrics["data"]["subjects"] > 1, []
    for name, model in metrics["models"].items():
        label = label_in_run(name, model["fit"], several)
        said.append(f"{label}: {_how(name, model['fit'])}")
    text = "Models: " + "; ".join(said) + f". Seed {config.seed}."
    if any(name.startswith("dfq") for name in metrics["models"]):
        text += " DFQ is Q-learning with differential forgetting [ito]."
    if "disrnn" in metrics["models"]:
        text += " The disRNN is a disentangled recurrent neural network [jain]."
    return text


def _how(name: str, notes: dict[str, Any]) -> str:
    method = find_fit(name).model.method
    if method == "means":
        level = {
            "hierarchical": ", each animal's drawn to the group's",
            "separate": ", of each animal",
        }
        return "means of the fitted sessions" + level.get(notes.get("animals", ""), "")
    if method == "likelihood":
        level = notes.get("animals")
        if level == "hierarchical":
            return "each animal under a group distribution (empirical Bayes)"
        return "maximum likelihood" + (", each animal by itself" if level == "separate" else "")
    if notes.get("selection"):
        return "gradient training, its options chosen by held-out folds of the fitted sessions"
    return "gradient training with the options of config.toml"


def _scores(metrics: dict[str, Any], config: FitConfig) -> str:
    signals = any(model["signal"] for model in metrics["models"].values())
    scored = "normalized likelihood, exp of the mean log probability of the choices made"
    if signals:
        scored += "; mean squared error and R2 of each signal"
    unit = metrics["unit"]
    n = metrics["data"]["sessions_held_out"] or metrics["data"]["sessions"]
    if n < 2:
        return f"Scores: {scored}. With a single scored session there are no intervals."
    return (
        f"Scores: {scored}, pooled over scored trials. Their 95 % intervals, and those of paired "
        f"differences between models, are value -+ t times the standard deviation over "
        f"{config.resamples:,} resamples [rao], by Student's t with {UNITS[unit]}. They hold for "
        "these fits: parameters are held as fitted."
    )


def _left_out(metrics: dict[str, Any]) -> str:
    found = metrics.get("leave_one_out")
    if not found:
        return ""
    unit = found["unit"]
    return (
        f"Cognitive models were also fitted again without each {unit} in turn; the log likelihood "
        f"of every {unit} is that under the fit to all others."
    )


def _contrast(metrics: dict[str, Any]) -> str:
    """The contrast of cognitive parameters, where one was made."""
    contrast = metrics.get("contrast")
    fitted = [m for m in (contrast or {}).get("models", {}).values() if "animals" in m]
    if contrast is None or not fitted:
        return ""
    tests = [fitted[0]["animals"], *filter(None, [fitted[0].get("sessions")])]
    exact = "; ".join(
        f"null hypothesis: {t['null']}; exchanged: {t['unit']}; {t['looked_at']:,} of "
        f"{t['number']:,} arrangements, smallest possible p {t['smallest_p']:.2g}"
        for t in tests
    )
    return (
        f"Parameters of the cognitive models were compared ({contrast['sentence']}), on all "
        "sessions: each animal's parameters and their differences under a group distribution "
        "(empirical Bayes). p-values are those of exact tests on the units' own values "
        f"[fisher] ({exact}); over the parameters of a model as one family by the step-down "
        "largest t [westfall]."
    )


def _verdict(metrics: dict[str, Any]) -> str:
    verdict = metrics.get("verdict")
    if not verdict:
        return ""
    if not metrics["data"]["sessions_held_out"]:
        return "Nothing was held out, so no model is called better than another."
    return (
        "A model is called better or worse than the opponent that predicts the scored trials best "
        "where the interval of the paired difference leaves out 0. The opponent was named after "
        "the "
        "fact, by its score."
    )
