"""How far long work has come, who is told, and how it is stopped."""

from ..lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
