"""Figures: `<name>_data` returns the numbers, `draw_<name>` inks them, `draw_all` saves them all.

Importing this package imports matplotlib, never pyplot; nothing global changes.
"""

from .fit.all import draw_all as draw_all
from .fit.bottlenecks import bottlenecks_data as bottlenecks_data
from .fit.bottlenecks import draw_bottlenecks as draw_bottlenecks
from .fit.choice_rule import choice_rule_data as choice_rule_data
from .fit.choice_rule import draw_choice_rule as draw_choice_rule
from .fit.comparison import comparison_data as comparison_data
from .fit.comparison import comparison_table as comparison_table
from .fit.comparison import draw_comparison as draw_comparison
from .fit.example_session import draw_example_session as draw_example_session
from .fit.example_session import example_session_data as example_session_data
from .fit.learning_curves import draw_learning_curves as draw_learning_curves
from .fit.learning_curves import learning_curves_data as learning_curves_data
from .fit.penalty_path import draw_penalty_path as draw_penalty_path
from .fit.penalty_path import penalty_path_data as penalty_path_data
from .fit.signal_rule import draw_signal_rule as draw_signal_rule
from .fit.signal_rule import signal_rule_data as signal_rule_data
from .fit.update_rule import draw_update_rule as draw_update_rule
from .fit.update_rule import update_rule_data as update_rule_data
from .neural.all import draw_selectivity_figures as draw_selectivity_figures
from .neural.event_response import draw_event_response as draw_event_response
from .neural.event_response import event_response_data as event_response_data
from .neural.kernels import draw_kernels as draw_kernels
from .neural.kernels import kernels_data as kernels_data
from .neural.population import draw_population as draw_population
from .neural.population import population_data as population_data
from .neural.rasters import draw_raster as draw_raster
from .neural.rasters import raster_data as raster_data
from .neural.selective_fraction import draw_selective_fraction as draw_selective_fraction
from .neural.selective_fraction import selective_fraction_data as selective_fraction_data
from .neural.unit_effects import draw_unit_effects as draw_unit_effects
from .neural.unit_effects import unit_effects_data as unit_effects_data
from .neural.unit_responses import draw_unit_responses as draw_unit_responses
from .neural.unit_responses import unit_responses_data as unit_responses_data
from .save import save_figure as save_figure
from .style import style as style
