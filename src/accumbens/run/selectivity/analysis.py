"""From a trial table with units to what each unit responds to, by region, and figures.

config.toml          every option, versions and the fingerprint of the data
selectivity.parquet  a row a unit and contrast: effect, correlation, p, q, selective
responses.parquet    a row a unit and type of outcome: mean and 95 % interval
regions.parquet      a row a region and contrast: units, selective ones, their fraction
metrics.json         the same by region, and what a reader must know
made.json            when, where, by which command and how long it was made
figures/             each figure as PNG and PDF, and the numbers behind it as CSV
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ...cores import one_thread_for_linear_algebra
from ...credit.calibration.check import Calibration
from ...credit.contingency import contingency_warnings
from ...credit.schedule import Schedule
from ...errors import ConfigError, DataError
from ...files import folder_for_results, write_atomically
from ...io.tables.trials import from_table, write_table
from ...neural.units.config import kind_of_test
from ...neural.units.outcome_responses import outcome_responses
from ...neural.units.regions import selectivity_by_region, with_regions
from ...neural.units.selectivity import min_p_value, unit_selectivity
from ...progress.base import Progress
from ...progress.display import shown
from ...summary import Summary, counted, summarized
from ...trials import Trials
from ..credit.schedule_check import checked_schedule, schedule_metrics
from ..credit.schedules import schedule_in_table, stated_schedule
from ..finite import without_nan
from ..kinds import refuse_used
from ..provenance import fingerprint, versions, work_noted
from ..toml import write_toml
from .config import CHOICE, SelectivityConfig
from .unit_regions import chosen_signals, converted_units, read_regions


@summarized
class Selectivity(NamedTuple):
    """What an analysis of selectivity found.

    Attributes:
        trials: that were analysed, with units as signals.
        selectivity: table of `unit_selectivity`, with a column `region`.
        responses: table of `outcome_responses`, with a column `region`.
        regions: table of `selectivity_by_region`.
        warnings: what a reader must know.
        calibration: outcomes beside their stated probabilities; None without a schedule.
    """

    trials: Trials
    selectivity: pd.DataFrame
    responses: pd.DataFrame
    regions: pd.DataFrame
    warnings: tuple[str, ...]
    calibration: Calibration | None = None

    def _summary(self) -> Summary:
        n_units = len(set(self.selectivity["unit"].tolist()))
        selective = dict.fromkeys(self.selectivity["contrast"].tolist(), 0)
        for row in self.selectivity.to_dict("records"):
            selective[row["contrast"]] += bool(row["selective"])
        rows = [[contrast, f"{n} of {n_units}"] for contrast, n in selective.items()]
        return Summary(
            f"Selectivity of {counted(n_units, 'unit')}",
            table=[["responds to", "selective units"], *rows], notes=self.warnings,
        )  # fmt: skip


@one_thread_for_linear_algebra()
def run_selectivity(
    table: str | Path, config: SelectivityConfig, out: str | Path, progress: Progress | None = None
) -> Selectivity:
    """Analyses a table and writes tests, responses, regions and figures to a new folder.

    Args:
        table: CSV, TSV or Parquet, with one row for each trial and a column for each unit.
        config: columns, units and the test.
        out: folder to create.
        progress: told of units tested; by default a bar at a terminal and in notebooks.

    Raises:
        ConfigError: the folder already holds a run, or an option is wrong.
        DataError: the table cannot be used, or no unit was measured in enough trials.
    """
    folder = Path(out)
    refuse_used(out, "selectivity")
    trials, schedule, regions = read_units_table(Path(table), config)
    with (
        shown(progress) as progress,
        folder_for_results(folder, "run folder"),
        work_noted(folder),
    ):
        found = analyse_selectivity(trials, schedule, regions, config, progress)
        write_selectivity(found, config, str(Path(table).resolve()), folder)
    return found


def read_units_table(
    table: Path, config: SelectivityConfig
) -> tuple[Trials, Schedule | None, dict[str, str]]:
    """Reads a table with units.

    Returns:
        The trials with units as signals; the schedule, for the schedule test; and the region of
        each unit by name, as far as it is known.
    """
    known = converted_units(table)
    signals = chosen_signals(config.table.signal, known, table)
    trials = from_table(table, config.format(signals))
    schedule = schedule_of_test(trials, config)
    if config.regions is not None:
        return trials, schedule, read_regions(config.regions, trials.names.signals)
    return trials, schedule, known.regions if known else {}


def schedule_of_test(trials: Trials, config: SelectivityConfig) -> Schedule | None:
    """The schedule of the schedule test, of trials that were read by `config.format`.

    Raises:
        ConfigError: neither the options nor the table have the probabilities of the test.
    """
    if config.test != "schedule":
        return None
    if config.probabilities:
        return stated_schedule(trials, config.probabilities)
    found = schedule_in_table(trials)
    if found is None:
        n = trials.n_choices + len(trials.names.outcomes) - 1
        raise ConfigError(
            f"The schedule test needs the probabilities of the rewards: name {n} columns or "
            "numbers with --probabilities, or choose another --test."
        )
    return found


def analyse_selectivity(
    trials: Trials,
    schedule: Schedule | None,
    regions: dict[str, str],
    config: SelectivityConfig,
    progress: Progress | None = None,
) -> Selectivity:
    """Analyses trials: tests, responses by type of outcome, and the summary by region.

    Units with too few trials are left out, which a warning says.

    Args:
        trials: with units as signals.
        schedule: the probabilities of the outcomes, for the schedule test.
        regions: of units by name.
        config: units and the test.
        progress: told of units tested.

    Raises:
        DataError: no unit was measured in enough trials.
    """
    measured = (trials.valid[..., None] & trials.measured).sum((0, 1))
    enough = measured >= config.min_trials
    if not enough.any():
        raise DataError(
            f"No unit was measured in {config.min_trials} trials with a choice; the largest number "
            f"is {int(measured.max())}. Lower --min-trials."
        )
    calibration, notes = checked_schedule(trials, schedule, config.trust_schedule)
    units = tuple(u for u, k in zip(trials.names.signals, enough, strict=True) if k)
    left_out = tuple(u for u in trials.names.signals if u not in units)
    responses = outcome_responses(trials, units=units, regions=regions)
    tested = unit_selectivity(
        trials, test=config.test, rng=np.random.default_rng(config.seed), schedule=schedule,
        units=units, given=_given(trials, config), max_shift=config.max_shift,
        resamples=config.resamples,
        false_discovery_rate=config.false_discovery_rate, min_trials=config.min_trials,
        progress=progress, trust_schedule=True,  # it has been checked
    )  # fmt: skip
    selectivity = with_regions(tested, regions)
    warnings = (
        *notes, *_untested(tested), *_on_meaning(trials, config),
        *_warnings(trials, units, left_out, regions, config),
    )  # fmt: skip
    by_region = selectivity_by_region(selectivity)
    return Selectivity(trials, selectivity, responses, by_region, warnings, calibration)


def write_selectivity(
    found: Selectivity, config: SelectivityConfig, table: str, folder: Path
) -> None:
    """Writes all files of an analysis; metrics.json last."""
    from ...figures.neural.all import draw_selectivity_figures

    about = {
        "kind": "selectivity", "table": table, "fingerprint": fingerprint(found.trials),
        "versions": versions(),
    }  # fmt: skip
    for name in ("selectivity", "responses", "regions"):
        write_table(getattr(found, name), folder / f"{name}.parquet")
    draw_selectivity_figures(
        found.trials, found.selectivity, found.responses, found.regions, folder / "figures",
        test=config.test, unit=config.unit, false_discovery_rate=config.false_discovery_rate,
    )  # fmt: skip
    write_toml(folder / "config.toml", config, about)
    content = json.dumps(selectivity_metrics(found, config), indent=1, allow_nan=False)
    write_atomically(folder / "metrics.json", content.encode())


def selectivity_metrics(found: Selectivity, config: SelectivityConfig) -> dict[str, Any]:
    """The content of metrics.json."""
    trials = found.trials
    rows = without_nan(found.regions.to_dict("records"))
    return {
        "data": {
            "subjects": len(np.unique(trials.subject)),
            "sessions": trials.n_sessions,
            "trials": int(trials.length.sum()),
            "trials_with_a_choice": int(trials.valid.sum()),
            "outcomes": list(trials.names.outcomes),
            "units": len(set(found.selectivity["unit"])),
        },
        "test": {
            "name": config.test,
            "finds": kind_of_test(config.test),
            "given": list(config.given),
            "family": "all units and contrasts",
            "smallest_p": min_p_value(
                config.test, resamples=config.resamples, max_shift=config.max_shift
            ),
            "false_discovery_rate": config.false_discovery_rate,
            "seed": config.seed,
        },
        "schedule": schedule_metrics(found.calibration, config.trust_schedule),
        "unit": config.unit,
        "regions": rows,
        "warnings": list(found.warnings),
    }


def _given(trials: Trials, config: SelectivityConfig) -> dict[str, np.ndarray]:
    """The numbers of each trial that relations are asked given; each choice but the first, one."""
    found = {}
    for name in config.given:
        if name == CHOICE:
            for i in range(1, trials.n_choices):
                made = (trials.choice == i).astype(float)
                found[f"choice {trials.names.choices[i]}"] = made
        else:
            found[name] = trials.context[..., trials.names.contexts.index(name)]
    return found


def _on_meaning(trials: Trials, config: SelectivityConfig) -> tuple[str, ...]:
    """What a test of association does not say; and that the schedule test does, where it could."""
    if config.test == "schedule":
        return ()
    held = f" given {', '.join(config.given)}" if config.given else ""
    more = "" if config.given else ", or ask given the choice and the value (--given)"
    known = schedule_in_table(trials) is not None
    why = (
        "The table has the probabilities of the rewards: --test schedule finds responses"
        if known
        else f"Where you know the probabilities of the rewards, take --test schedule{more}"
    )
    return (
        f"This test finds units that are associated with an outcome{held}, not that respond to it: "
        "a unit that codes value or side before the outcome is associated with the outcome too. "
        f"{why}.",
    )


def _untested(tested: pd.DataFrame) -> tuple[str, ...]:
    """Which units could not be tested for something, and why the first of them."""
    without = [row for row in tested.to_dict("records") if row["untested"]]
    if not without:
        return ()
    units = list(dict.fromkeys(row["unit"] for row in without))
    return (
        f"{counted(len(units), 'unit')} could not be tested for everything and "
        f"{'has' if len(units) == 1 else 'have'} no p-value there ({', '.join(units[:5])}"
        f"{', ...' if units[5:] else ''}). The first: {without[0]['untested']}",
    )


def _warnings(
    trials: Trials,
    units: tuple[str, ...],
    left_out: tuple[str, ...],
    regions: dict[str, str],
    config: SelectivityConfig,
) -> tuple[str, ...]:
    notes = contingency_warnings(trials) if config.test == "schedule" else ()
    if left_out:
        notes += (
            f"{counted(len(left_out), 'unit')} measured in fewer than {config.min_trials} trials "
            f"{'is' if len(left_out) == 1 else 'are'} left out (--min-trials): "
            f"{', '.join(left_out[:5])}{', ...' if left_out[5:] else ''}.",
        )
    unknown = sum(not regions.get(unit) for unit in units)
    if unknown and regions:
        notes += (f"The region of {unknown} of {len(units)} units is not known.",)
    shared = _units_of_several_subjects(trials, units)
    if shared:
        notes += (
            f"Measured in several subjects: {counted(len(shared), 'signal')} (such as "
            f"{shared[0]}); each is taken as one unit. Different cells need different columns.",
        )
    smallest = min_p_value(config.test, resamples=config.resamples, max_shift=config.max_shift)
    k = len(trials.names.outcomes)
    n_tests = len(units) * (k + k * (k - 1) // 2)
    together = math.ceil(smallest * n_tests / config.false_discovery_rate - 1e-9)
    if together > 1:
        more = "--max-shift" if config.test == "linear_shift" else "--resamples"
        notes += (
            f"No p-value can be below {smallest:.2g} here, so of {n_tests} tests (units and "
            f"contrasts) {together} must reach it before any unit can be selective. Raise {more}.",
        )
    return notes


def _units_of_several_subjects(trials: Trials, units: tuple[str, ...]) -> list[str]:
    found, measured = [], trials.measured
    for unit in units:
        known = measured[..., trials.names.signals.index(unit)] & trials.valid
        if len(np.unique(trials.subject[known.any(1)])) > 1:
            found.append(unit)
    return found
