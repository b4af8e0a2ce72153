"""Which outcomes are credited to the choice: history regression, indices, exact tests, power."""

from ..lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
