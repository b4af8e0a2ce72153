"""The vocabulary of recordings: `Channel` as a file has it, `Trace` once its clock is checked, and
`Units` of spikes."""

from .channels import Channel as Channel
from .channels import Trace as Trace
from .clock import ClockCheck as ClockCheck
from .clock import check_clock as check_clock
from .clock import settle_clock as settle_clock
from .config import ClockConfig as ClockConfig
from .units import Units as Units
from .units import units_from_arrays as units_from_arrays
