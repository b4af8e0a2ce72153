"""Figures 1c, 2 and 3 of Miller et al., Structured credit assignment in mice, from records."""

from __future__ import annotations

import io
from functools import partial
from typing import Any

import jax
import pandas as pd

from ...cohort import draw_agents, simulate_cohort
from ...credit.history.fitting import fit_history
from ...credit.history.indices import Index
from ...errors import DataError
from ...figures.composed import Panel
from ...figures.credit.history_weights import (
    WeightsOf,
    draw_history_weights,
    history_weights_data,
)
from ...figures.credit.indices import credit_indices_data, draw_credit_indices
from ...figures.credit.session import draw_credit_session, stored_session
from ...figures.labels import counted, signal_label
from ...figures.neural.outcome_responses import draw_outcome_responses, outcome_responses_data
from ...io.tables.formulas import unmarked_frame
from ...models.structured import StructureNaive, StructureSavvy
from ...neural.units.selectivity import most_selective
from ...tasks.bandits import ReversalBandit
from ...tasks.distractor import DistractorRewards
from ..records import Records

AGENT = {"learning_rate": 0.3, "inverse_temperature": 3.0}
"""Median parameters of the agents of Figures 2a and 2b."""

N_AGENTS, N_SESSIONS, N_TRIALS, SPREAD = 12, 16, 500, 0.3
"""How many agents are simulated, how long, and how far their parameters differ (see
`draw_agents`)."""


def credit_pages(records: Records) -> dict[str, list[list[Panel]]]:
    """Figures 1c and 2 of an analysis of credit; Figure 3 of one of selectivity, by file name.

    Raises:
        DataError: the records lack what a figure needs.
    """
    if records.kind == "selectivity":
        return {"figure_3": [[_units(records)]]}
    outcomes = records.metrics["data"]["outcomes"]
    if len(outcomes) != 2:
        raise DataError(
            f"{records.path} was made with {counted(len(outcomes), 'reward')}. The figures of this "
            "paper need two: one that the choice controls, and a distractor."
        )
    pages = {"figure_2": [[_weights(records)], [_indices(records)]]}
    session = records.figures.get("credit_session")
    if session is None:
        return pages
    table = unmarked_frame(pd.read_csv(io.StringIO(session), dtype={"choice": str}))
    data = stored_session(table, outcomes)
    return {"figure_1c": [[Panel(data, draw_credit_session)]], **pages}


def _weights(records: Records) -> Panel:
    """Both agents in the animals' task, and the animals."""
    outcomes = tuple(records.metrics["data"]["outcomes"])
    high, low, often = _probabilities(records.metrics.get("schedule"), outcomes)
    task = DistractorRewards(ReversalBandit(high=high, low=low, block_length=(20, 60)), often)
    names_of = tuple(signal_label(name) for name in outcomes)
    names = (*records.metrics["subjects"],)
    table = records.result.table("weights")
    fits = []
    for name in names:
        own = table[(table["subject"] == name) & (table["lag"] > 0)]
        of = records.metrics["subjects"][name]
        types = tuple(dict.fromkeys(own["outcome"].tolist()))
        unit = own["unit"].iloc[0] if "unit" in own and len(own) else "session"
        fits.append(WeightsOf(own, types, unit, of["sessions"], of["trials_scored"]))
    lags = int(table["lag"].max())
    groups: dict[str, Any] = {}
    for i, (label, kind) in enumerate(
        (("structure-naive agent", StructureNaive), ("structure-savvy agent", StructureSavvy))
    ):
        agents = draw_agents(kind, AGENT, N_AGENTS, SPREAD, key=jax.random.key(i))
        key = jax.random.key(100 + i)
        made = simulate_cohort(agents, task, n_sessions=N_SESSIONS, n_trials=N_TRIALS, key=key)
        each = [WeightsOf.of(fit) for fit in fit_history(made, lags)]
        groups[label] = [_called(weights, fits[0].outcomes) for weights in each]
    groups["animals"] = fits
    caption = (
        f"Agents (learning rate {AGENT['learning_rate']:g}, inverse temperature "
        f"{AGENT['inverse_temperature']:g}, SD {SPREAD:g} on the unconstrained scale) were "
        f"simulated: {names_of[0]} with probability {high:g} or {low:g}, reversing after 20 to 60 "
        f"trials, {names_of[1]} with probability {often:g}."
    )
    return Panel(history_weights_data(groups, caption), draw_history_weights, letters=3)


def _called(weights: WeightsOf, outcomes: tuple[str, ...]) -> WeightsOf:
    """The same with the animals' names of the outcome types."""
    names = dict(zip(weights.outcomes, outcomes, strict=True))
    table = weights.table.assign(outcome=[names.get(o, o) for o in weights.table["outcome"]])
    return weights._replace(table=table, outcomes=outcomes)


def _probabilities(schedule: Any, outcomes: tuple[str, ...]) -> tuple[float, float, float]:
    """The highest and lowest probability of the first outcome, and the mean of the second's, as
    they were stated; those of the task where they were not."""
    usual = DistractorRewards()
    high, low, often = 0.8, 0.2, float(usual.distractor)
    if schedule:
        stated = {
            name: [(r["stated"], r["trials"]) for r in schedule["rates"] if r["outcome"] == name]
            for name in outcomes
        }
        if stated[outcomes[0]]:
            high = round(max(p for p, _ in stated[outcomes[0]]), 3)
            low = round(min(p for p, _ in stated[outcomes[0]]), 3)
        if stated[outcomes[1]]:
            n = sum(n for _, n in stated[outcomes[1]])
            often = round(sum(p * n for p, n in stated[outcomes[1]]) / max(n, 1), 3)
    return high, low, often


def _indices(records: Records) -> Panel:
    """Both indices of each animal; what the tests say of them."""
    metrics = records.metrics
    each = {**metrics["subjects"], "group": metrics["group"]}
    found = []
    for subject, of in each.items():
        for name, i in of["indices"].items():
            value, error, low, high = (
                _number(i[key]) for key in ("value", "standard_error", "low", "high")
            )
            found.append(Index(subject, name, value, error, low, high))
    wanted = {index.name for index in found}
    found = [i for i in found if wanted == set(each[i.subject]["indices"])]
    p_values = [
        (name, _number(_these(test)), None if not like else _number(like["p_greater"]))
        for name, test in metrics["tests"].items()
        for like in (test.get("in_animals_like_these"),)
    ]
    n = metrics["data"]
    caption = (
        f"Data: {counted(n['subjects'], 'subject')}, {counted(n['sessions'], 'session')}, "
        f"{counted(n['trials_scored'], 'free choice')}."
    )
    data = credit_indices_data(found, caption=caption, p_values=p_values)
    return Panel(data, partial(draw_credit_indices, beside=True))


def _these(test: dict[str, Any]) -> Any:
    """p in these animals, which runs of 0.1.0 called the group's."""
    return (test.get("in_these_animals") or test["group"])["p_one_sided"]


def _units(records: Records) -> Panel:
    """The most selective units."""
    metrics = records.metrics
    examples = most_selective(records.result.table("selectivity"))
    data = metrics["data"]
    caption = (
        f"The units with the smallest q of any contrast, of {counted(data['units'], 'unit')}. "
        f"Data: {counted(data['subjects'], 'subject')}, {counted(data['sessions'], 'session')}, "
        f"{counted(data['trials_with_a_choice'], 'trial')} with a choice."
    )
    found = outcome_responses_data(
        records.result.table("responses"), examples, unit=metrics["unit"], caption=caption
    )
    return Panel(found, draw_outcome_responses)


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
