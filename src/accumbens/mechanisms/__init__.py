"""Many fits, one mechanism: what fitted disRNNs agree on, and what it is called."""

from ..lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
