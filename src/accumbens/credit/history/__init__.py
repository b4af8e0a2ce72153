"""Trial-history regression: weights by outcome type and lag, indices, refits to redrawn data."""

from .design import HistoryData as HistoryData
from .design import history_data as history_data
from .fitted import HistoryFit as HistoryFit
from .fitting import fit_history as fit_history
from .fitting import pooled_history as pooled_history
from .indices import Index as Index
from .indices import index_contrasts as index_contrasts
