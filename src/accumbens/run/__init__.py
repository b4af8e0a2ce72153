"""Whole analyses, from a table to a folder and back; what each command of `accumbens` calls."""

from ..lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
