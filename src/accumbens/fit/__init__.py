"""Fitting: maximum likelihood of cognitive models, gradient training of GRU and disRNN."""

from ..lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
