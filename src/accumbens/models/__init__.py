"""Models: one interface, `Model`; cognitive models, trial-history regression, GRU and disRNN."""

from ..lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
