"""Marks for what needs compiled code. Only a missing compiler skips: one that fails is a fault."""

import os
import shutil

import jax
import pytest

_NAMES = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++", "c++"]
_FOUND = any(map(shutil.which, _NAMES))

needs_compiler = pytest.mark.skipif(not _FOUND, reason="there is no C++ compiler")
needs_kernel = pytest.mark.skipif(
    not _FOUND or jax.default_backend() != "cpu",
    reason="there is no C++ compiler, or the default device is not a CPU",
)
