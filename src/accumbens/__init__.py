"""accumbens: what did each outcome teach the animal, and where in the brain is that lesson?

Everything public has its name here; heavy parts are imported when they are first used. `simulate`
and `unroll` are functions here, although the modules that define them bear the same names.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .simulation import simulate as simulate
from .simulation import simulate_with_latents as simulate_with_latents
from .unrolling import unroll as unroll
from .version import __version__ as __version__

if TYPE_CHECKING:
    from .cohort import draw_agents as draw_agents
    from .cohort import simulate_cohort as simulate_cohort
    from .credit.history import fit_history as fit_history
    from .credit.history import pooled_history as pooled_history
    from .credit.power import credit_power as credit_power
    from .credit.randomization import distractor_test as distractor_test
    from .credit.randomization import schedule_of as schedule_of
    from .credit.randomization import structure_test as structure_test
    from .errors import AccumbensError as AccumbensError
    from .errors import ConfigError as ConfigError
    from .errors import DataError as DataError
    from .errors import DivergedError as DivergedError
    from .fit.disrnn.penalty_path import penalty_path as penalty_path
    from .fit.disrnn.recipe import RecipeConfig as RecipeConfig
    from .fit.disrnn.recipe import fit_disrnn as fit_disrnn
    from .fit.gradient.stage import StageConfig as StageConfig
    from .fit.gru import fit_gru as fit_gru
    from .fit.likelihood.maximum_likelihood import fit_by_subject as fit_by_subject
    from .fit.likelihood.maximum_likelihood import fit_maximum_likelihood as fit_maximum_likelihood
    from .io.contents import inspect_file as inspect_file
    from .io.nwb.contents import inspect_nwb as inspect_nwb
    from .io.nwb.format import NwbFormat as NwbFormat
    from .io.nwb.trials import read_nwb as read_nwb
    from .io.nwb.write import write_nwb as write_nwb
    from .io.photometry.files import read_recording as read_recording
    from .io.spikes.files import read_units as read_units
    from .io.tables.format import TableFormat as TableFormat
    from .io.tables.trials import from_table as from_table
    from .io.tables.trials import to_table as to_table
    from .io.trial_sources import SourceFormat as SourceFormat
    from .models.actor_critic import ActorCritic as ActorCritic
    from .models.base import Model as Model
    from .models.bias import BiasOnly as BiasOnly
    from .models.dfq import DFQ as DFQ
    from .models.disrnn import DisRNN as DisRNN
    from .models.disrnn import DisRNNConfig as DisRNNConfig
    from .models.disrnn import Penalties as Penalties
    from .models.gru import GRU as GRU
    from .models.history import HistoryRegression as HistoryRegression
    from .models.naive import Naive as Naive
    from .models.q_learning import QLearning as QLearning
    from .models.structured import StructureMixture as StructureMixture
    from .models.structured import StructureNaive as StructureNaive
    from .models.structured import StructureSavvy as StructureSavvy
    from .models.two_process import TwoProcess as TwoProcess
    from .neural.events.aligned import align_trace as align_trace
    from .neural.events.kernels import fit_kernels as fit_kernels
    from .neural.events.outcome_responses import outcome_responses as outcome_responses
    from .neural.events.windows import trial_numbers as trial_numbers
    from .neural.model_signals import model_latents as model_latents
    from .neural.model_signals import signals_in_time as signals_in_time
    from .neural.model_signals import signals_on_latents as signals_on_latents
    from .neural.photometry.preprocessing import preprocess as preprocess
    from .neural.series_tests import linear_shift_test as linear_shift_test
    from .neural.series_tests import pseudosession_test as pseudosession_test
    from .neural.series_tests import session_permutation_test as session_permutation_test
    from .neural.units.regions import selectivity_by_region as selectivity_by_region
    from .neural.units.regions import with_regions as with_regions
    from .neural.units.responses import unit_responses as unit_responses
    from .neural.units.responses import window_rates as window_rates
    from .neural.units.selectivity import unit_selectivity as unit_selectivity
    from .recordings import ClockConfig as ClockConfig
    from .recordings import Trace as Trace
    from .recordings import Units as Units
    from .recordings import settle_clock as settle_clock
    from .recordings import units_from_arrays as units_from_arrays
    from .run.convert.conversion import ConvertConfig as ConvertConfig
    from .run.convert.conversion import convert as convert
    from .run.credit.analysis import run_credit as run_credit
    from .run.credit.config import CreditConfig as CreditConfig
    from .run.fit.config import FitConfig as FitConfig
    from .run.fit.pipeline import run_fit as run_fit
    from .run.folder import load_run as load_run
    from .run.selectivity.analysis import run_selectivity as run_selectivity
    from .run.selectivity.config import SelectivityConfig as SelectivityConfig
    from .scoring.comparison import compare as compare
    from .scoring.comparison import evaluate as evaluate
    from .tasks.bandits import DriftingBandit as DriftingBandit
    from .tasks.bandits import ReversalBandit as ReversalBandit
    from .tasks.distractor import DistractorRewards as DistractorRewards
    from .trials import Trials as Trials

_WHERE = {
    "AccumbensError": "errors",
    "ConfigError": "errors",
    "DataError": "errors",
    "DivergedError": "errors",
    "Trials": "trials",
    "TableFormat": "io.tables.format",
    "from_table": "io.tables.trials",
    "to_table": "io.tables.trials",
    "DriftingBandit": "tasks.bandits",
    "ReversalBandit": "tasks.bandits",
    "DistractorRewards": "tasks.distractor",
    "Model": "models.base",
    "QLearning": "models.q_learning",
    "DFQ": "models.dfq",
    "ActorCritic": "models.actor_critic",
    "BiasOnly": "models.bias",
    "Naive": "models.naive",
    "StructureNaive": "models.structured",
    "StructureSavvy": "models.structured",
    "StructureMixture": "models.structured",
    "TwoProcess": "models.two_process",
    "draw_agents": "cohort",
    "simulate_cohort": "cohort",
    "GRU": "models.gru",
    "DisRNN": "models.disrnn",
    "DisRNNConfig": "models.disrnn",
    "Penalties": "models.disrnn",
    "StageConfig": "fit.gradient.stage",
    "fit_maximum_likelihood": "fit.likelihood.maximum_likelihood",
    "fit_by_subject": "fit.likelihood.maximum_likelihood",
    "fit_disrnn": "fit.disrnn.recipe",
    "RecipeConfig": "fit.disrnn.recipe",
    "fit_gru": "fit.gru",
    "penalty_path": "fit.disrnn.penalty_path",
    "evaluate": "scoring.comparison",
    "compare": "scoring.comparison",
    "HistoryRegression": "models.history",
    "fit_history": "credit.history",
    "pooled_history": "credit.history",
    "distractor_test": "credit.randomization",
    "structure_test": "credit.randomization",
    "schedule_of": "credit.randomization",
    "credit_power": "credit.power",
    "session_permutation_test": "neural.series_tests",
    "linear_shift_test": "neural.series_tests",
    "pseudosession_test": "neural.series_tests",
    "CreditConfig": "run.credit.config",
    "run_credit": "run.credit.analysis",
    "FitConfig": "run.fit.config",
    "run_fit": "run.fit.pipeline",
    "load_run": "run.folder",
    "read_nwb": "io.nwb.trials",
    "write_nwb": "io.nwb.write",
    "inspect_nwb": "io.nwb.contents",
    "inspect_file": "io.contents",
    "NwbFormat": "io.nwb.format",
    "SourceFormat": "io.trial_sources",
    "read_recording": "io.photometry.files",
    "read_units": "io.spikes.files",
    "ClockConfig": "recordings",
    "Trace": "recordings",
    "Units": "recordings",
    "units_from_arrays": "recordings",
    "settle_clock": "recordings",
    "preprocess": "neural.photometry.preprocessing",
    "trial_numbers": "neural.events.windows",
    "align_trace": "neural.events.aligned",
    "unit_responses": "neural.units.responses",
    "window_rates": "neural.units.responses",
    "fit_kernels": "neural.events.kernels",
    "unit_selectivity": "neural.units.selectivity",
    "outcome_responses": "neural.events.outcome_responses",
    "with_regions": "neural.units.regions",
    "selectivity_by_region": "neural.units.regions",
    "SelectivityConfig": "run.selectivity.config",
    "run_selectivity": "run.selectivity.analysis",
    "model_latents": "neural.model_signals",
    "signals_on_latents": "neural.model_signals",
    "signals_in_time": "neural.model_signals",
    "convert": "run.convert.conversion",
    "ConvertConfig": "run.convert.conversion",
}

__all__ = sorted([*_WHERE, "simulate", "simulate_with_latents", "unroll"])  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"accumbens has no {name!r}; it has {', '.join(__all__)}.")
    return getattr(importlib.import_module(f".{_WHERE[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
