"""The report of a fit."""

from __future__ import annotations

from typing import Any

from ...run.fit.labels import labels_of
from ...summary import counted
from ..explorer import explorer
from ..markup import Content, Markup, joined, tag
from ..payload import Payload
from ..recorded import Recorded
from ..records import Records
from ..tables import shown, table, warnings
from . import fit_data, fit_scores
from .shared import Section, checks, counts, figures_of, methods, others, reproduce

RULES = ("choice_rule", "update_rule", "signal_rule")
SHOWN = (
    "bottlenecks", *RULES, "example_session", "learning_curves", "held_out_curves", "comparison",
    "selection", "shrinkage", "contrast", "penalty_path", "predictive_check",
)  # fmt: skip
"""Figures that a section names; example_session is what the explorer shows of any session."""


def fit_sections(records: Records, payload: Payload) -> list[Section]:
    """All sections, in their order."""
    metrics, trials = records.metrics, Recorded.of(records)
    payload.header["explorer"] = explorer(records, payload)
    captions = _captions(records, trials)

    def drawn(*names: str) -> Markup:
        return figures_of(records, payload, captions, names)

    found = [
        _verdict(metrics),
        fit_data.data_section(records, trials, payload),
        fit_scores.scores_section(records, payload, drawn("comparison", "contrast")),
    ]
    if trials.explorable:
        found.append(_explorer(metrics))
    if "bottlenecks" in metrics:
        found += [
            Section("penalties", "How the penalties were chosen", _penalties(
                records, payload, drawn("selection", "penalty_path"))),
            Section("bottlenecks", "What the disRNN uses: its bottlenecks", drawn("bottlenecks")),
            Section("rules", "What it does with it: choice, update and signal rules",
                    drawn(*RULES)),
        ]  # fmt: skip
        learned = drawn("held_out_curves", "learning_curves")
        if learned:
            found.append(Section("learning", "Learning curves", learned))
    found += [
        fit_scores.animals_section(records, payload, drawn("shrinkage")),
        fit_data.sessions_section(records, trials, payload),
        _checks(records, payload, drawn("predictive_check")),
    ]
    further = others(records, payload, SHOWN)
    found += [further] if further else []
    seconds = sum(s for of in metrics.get("seconds", {}).values() for s in of.values())
    took: tuple[tuple[str, Content], ...] = (
        (("Seconds of fitting, all models together", f"{seconds:.0f}"),) if seconds else ()
    )
    return [*found, reproduce(records, took), methods(records)]


def _verdict(metrics: dict[str, Any]) -> Section:
    alarms = warnings(metrics.get("warnings", []), class_="alarm")
    verdict = metrics.get("verdict")
    if not verdict:
        why = (
            "No network was fitted, so there is no verdict on one"
            if "verdict" in metrics
            else "This run was made before runs gave a verdict in words"
        )
        said = tag("p", f"{why}: see Table 1, and the differences below it.")
        return Section("verdict", "What was found", joined(alarms, said))
    sentences = [verdict["choice"], *verdict["signal"].values()]
    paragraphs = [tag("p", found["sentence"], class_="verdict") for found in sentences]
    if verdict.get("structure"):
        paragraphs.append(tag("p", verdict["structure"], class_="verdict"))
    if "open_latents" in metrics:
        n = len(metrics["open_latents"])
        names = ", ".join(metrics["open_latents"])
        paragraphs.append(
            tag("p", f"The disRNN carries {counted(n, 'latent variable')} from trial to trial"
                + (f": {names}." if n else "."))
        )  # fmt: skip
    return Section("verdict", "What was found", joined(alarms, paragraphs))


def _explorer(metrics: dict[str, Any]) -> Section:
    del metrics
    text = (
        "Choose an animal and a session; scroll or use the arrow keys; point at a trial to read "
        "it; drag across trials, or name them, to see them in the rules below."
    )
    return Section("explorer", "Any session, trial by trial", joined(
        tag("p", text, class_="hint"),
        tag("div", tag("p", "The explorer needs JavaScript and a browser of 2023 or later."),
            id="explorer-here"),
    ))  # fmt: skip


def _penalties(records: Records, payload: Payload, drawn: Markup) -> Markup:
    metrics = records.metrics
    notes = metrics["models"]["disrnn"]["fit"]
    found = notes.get("selection")
    parts: list[Content] = []
    if found is not None:
        parts.append(tag("p", found["why"]))
        if "signal" in found:
            parts.append(tag("p", found["signal"]["why"]))
        used = found.get("penalties", {})
        rows = [[name.replace("_", " "), weight] for name, weight in used.items()]
        if rows:
            caption = "Penalties that the disRNN was fitted with, per nat and trial"
            parts.append(table(payload, "penalties", ["penalty", "weight"], rows, caption))
    elif "penalty_path" in metrics:
        path = metrics["penalty_path"]
        factor = path["factors"][path["chosen"]]
        parts.append(tag("p", "One factor of all penalties was chosen by folds of the training "
                         f"sessions, along a path: {factor:g}."))  # fmt: skip
    else:
        parts.append(tag("p", "The penalties were given, and nothing was chosen: they are in "
                         "config.toml below."))  # fmt: skip
    seeds = notes.get("seeds", [])
    if len(seeds) > 1:
        keys = [k for k in ("seed", "loss", "inner", "open_latents", "kept")
                if any(s.get(k) is not None for s in seeds)]  # fmt: skip
        heads = {"loss": "training loss", "inner": "inner normalized likelihood",
                 "open_latents": "open latents"}  # fmt: skip
        parts.append(
            table(
                payload, "seeds", [heads.get(k, k) for k in keys],
                [[str(s.get(k)) if k == "seed" else shown(s.get(k)) for k in keys] for s in seeds],
                f"Starts of the disRNN: n = {len(seeds)}; the one with the lowest training loss "
                "is kept",
            )
        )  # fmt: skip
    return joined(parts, drawn)


def _checks(records: Records, payload: Payload, drawn: Markup) -> Section:
    metrics = records.metrics
    models, label = metrics["models"], labels_of(metrics)
    found = [*metrics.get("warnings", []), *metrics.get("notices", [])]
    for name, model in models.items():
        found += [f"{label(name)}: {text}" for text in model["fit"].get("warnings", [])]
    check = metrics.get("predictive_check") or {}
    found += [f"Predictive check, {what}: {text}" for what, text in check.get("notes", {}).items()]
    rows = [
        [label(name), curve,
         shown(of["distance"]), shown(of["p"], 2)]
        for name, curves in check.get("models", {}).items()
        for curve, of in curves.items()
    ]  # fmt: skip
    more = None
    if rows:
        caption = (
            "Do models put back into the task choose as the animals did? Distance of their curves "
            f"from the animals', and p against {check.get('cohorts', 'the')} simulated cohorts"
        )
        more = table(payload, "predictive_check_p", ["model", "curve", "distance", "p"], rows,
                     caption)  # fmt: skip
    return checks(found, joined(more, drawn))


def _captions(records: Records, trials: Any) -> dict[str, str]:
    data = records.metrics["data"]
    fitted = counts(data, sessions=data["sessions_fitted"], trials=trials.fitted)
    scored = counts(data, sessions=data["sessions_held_out"] or data["sessions"],
                    trials=data.get("choices_scored"))  # fmt: skip
    which = "held-out" if data["sessions_held_out"] else "fitted"
    grey = "grey: how often the fitted trials visit each value"
    return {
        "bottlenecks": "Which inputs reach which network (lines as strong as the bottleneck is "
        f"open), and the noise of each bottleneck: 0 is open, 1 closed. Fitted to {fitted}",
        "choice_rule": f"Choice rule: log-odds of the choice against each latent, others at their "
        f"mean; {grey}; {fitted}",
        "update_rule": "Update rules: a latent after the trial against before it, for each choice "
        f"and outcome; on the diagonal nothing changes; {grey}; {fitted}",
        "signal_rule": "Signal rule: the predicted signal against each latent before the trial, "
        f"for each choice and outcome; {grey}; {fitted}",
        "learning_curves": "Terms of the loss along training, by stage; a line a start of the "
        f"disRNN; {fitted}",
        "held_out_curves": "Likelihood of the sessions that were fitted (dashed) and of those that "
        "folds of the training sessions held out (line), along each path of rising penalties; "
        f"the ring is what was taken; {fitted}",
        "comparison": f"Scores on {which} sessions: bars with 95 % intervals over "
        f"{_unit(records.metrics)}, and each animal's own, joined across models; {scored} scored",
        "selection": "Candidates along the penalty path: normalized likelihood of what folds of "
        f"the training sessions held out; the ring is the one that was taken; {fitted}",
        "penalty_path": f"Normalized likelihood of folds along the penalty path; {fitted}",
        "shrinkage": "Each animal's parameter fitted alone (hollow) and under the group (filled), "
        f"with 95 % intervals; {fitted}",
        "contrast": f"Differences of parameters between the two conditions; n = "
        f"{data['subjects']} animals, {data['sessions']} sessions",
        "predictive_check": "How animals choose in these sessions (thick), and models put back "
        f"into the task (thin; bands: 95 % of simulated cohorts); {scored}",
    }  # fmt: skip


def _unit(metrics: dict[str, Any]) -> str:
    return "animals" if metrics.get("unit") == "subject" else "sessions"
