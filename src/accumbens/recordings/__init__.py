"""The vocabulary of recordings: `Channel` as a file has it, `Trace` once its clock is checked, and
`Units` of spikes."""

from ..lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
