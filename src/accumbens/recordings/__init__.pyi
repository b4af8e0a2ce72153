"""The vocabulary of recordings: `Series` as a file has it, `Trace` once its clock is settled, and
`Units` of spikes."""

from .clock import ClockConfig as ClockConfig
from .clock import ClockReport as ClockReport
from .clock import clock_report as clock_report
from .clock import settle_clock as settle_clock
from .series import Series as Series
from .series import Trace as Trace
from .units import Units as Units
from .units import units_from_arrays as units_from_arrays
