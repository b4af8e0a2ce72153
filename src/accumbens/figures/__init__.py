"""Figures: `<name>_data` returns the numbers, `draw_<name>` inks them, `draw_all` saves them all.

Figures use matplotlib, never pyplot; nothing global changes.
"""

from ..lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
