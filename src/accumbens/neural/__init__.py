"""Photometry, responses to events, units, and what they respond to."""

from ..lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
