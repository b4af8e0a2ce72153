"""Files: tables, NWB, photometry, spikes, saved models."""

from ..lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
