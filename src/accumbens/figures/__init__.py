"""Figures: `<name>_data` returns the numbers, `draw_<name>` inks them, `draw_all` saves them all.

Importing this package imports matplotlib, never pyplot; nothing global changes.
"""

from .all import draw_all as draw_all
from .bottlenecks import bottlenecks_data as bottlenecks_data
from .bottlenecks import draw_bottlenecks as draw_bottlenecks
from .choice_rule import choice_rule_data as choice_rule_data
from .choice_rule import draw_choice_rule as draw_choice_rule
from .comparison import comparison_data as comparison_data
from .comparison import comparison_table as comparison_table
from .comparison import draw_comparison as draw_comparison
from .event_response import draw_event_response as draw_event_response
from .event_response import event_response_data as event_response_data
from .example_session import draw_example_session as draw_example_session
from .example_session import example_session_data as example_session_data
from .kernels import draw_kernels as draw_kernels
from .kernels import kernels_data as kernels_data
from .learning_curves import draw_learning_curves as draw_learning_curves
from .learning_curves import learning_curves_data as learning_curves_data
from .penalty_path import draw_penalty_path as draw_penalty_path
from .penalty_path import penalty_path_data as penalty_path_data
from .population import draw_population as draw_population
from .population import population_data as population_data
from .rasters import draw_raster as draw_raster
from .rasters import raster_data as raster_data
from .save import save_figure as save_figure
from .selective_fraction import draw_selective_fraction as draw_selective_fraction
from .selective_fraction import selective_fraction_data as selective_fraction_data
from .selectivity import draw_selectivity_figures as draw_selectivity_figures
from .signal_rule import draw_signal_rule as draw_signal_rule
from .signal_rule import signal_rule_data as signal_rule_data
from .style import style as style
from .unit_effects import draw_unit_effects as draw_unit_effects
from .unit_effects import unit_effects_data as unit_effects_data
from .unit_responses import draw_unit_responses as draw_unit_responses
from .unit_responses import unit_responses_data as unit_responses_data
from .update_rule import draw_update_rule as draw_update_rule
from .update_rule import update_rule_data as update_rule_data
