"""accumbens: what did each outcome teach the animal, and where in the brain is that lesson?

The names that most analyses need are here; the others are in namespaces such as `accumbens.credit`.
Both are written in `__init__.pyi`, and imported when they are first used.
"""

from .lazy import attach
from .version import __version__ as __version__

__getattr__, __dir__, __all__ = attach(__name__, __file__)
