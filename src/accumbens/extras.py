"""Packages of the optional extras, imported where they are needed."""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType

from .errors import ConfigError


def from_extra(module: str, extra: str) -> ModuleType:
    """Imports a module of an optional extra of the package.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"This needs {module.partition('.')[0]}, which is not installed ({error}). Install it "
            f"with pip install 'accumbens[{extra}]'."
        ) from error
