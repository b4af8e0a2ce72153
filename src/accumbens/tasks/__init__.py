"""Tasks: bandits and distractor rewards, and what a task of one's own has to define."""

from ..lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
