"""Reports: one HTML page with all that a run found, to read, explore, print and send."""

from ..lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
