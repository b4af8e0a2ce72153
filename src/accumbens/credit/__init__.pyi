"""Which outcomes are credited to the choice: history regression, indices, exact tests, power."""

from .config import PowerConfig as PowerConfig
from .contingency import contingency_warnings as contingency_warnings
from .history.design import HistoryData as HistoryData
from .history.design import history_data as history_data
from .history.fitting import HistoryFit as HistoryFit
from .history.fitting import as_model as as_model
from .history.fitting import fit_history as fit_history
from .history.fitting import pooled_history as pooled_history
from .history.indices import Index as Index
from .history.indices import group_index as group_index
from .history.indices import index_contrasts as index_contrasts
from .history.indices import indices as indices
from .power import credit_power as credit_power
from .randomization import RandomizationTest as RandomizationTest
from .randomization import distractor_test as distractor_test
from .randomization import structure_test as structure_test
from .schedule import Schedule as Schedule
from .schedule import check_schedule as check_schedule
from .schedule import schedule_from_columns as schedule_from_columns
from .schedule import schedule_of as schedule_of
