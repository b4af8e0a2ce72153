"""The elements of a MATLAB file of version 5 to 7, checked before SciPy reads them.

SciPy's reader is compiled and takes type numbers from the file as they are: a damaged one ends the
whole process. Here every element is walked through: its type is one of the format's, it ends within
what holds it, and a matrix has the parts that its class asks for.

Source: MathWorks, MAT-File Format, "Level 5 MAT-File Format".
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np

from ...errors import DataError

HEADER, TAG, DEEPEST = 128, 8, 100
"""Bytes of the header and of a tag; matrices within matrices, at most."""
MOST_BYTES = 2**31
"""Of a compressed element when it is unpacked: more does not fit the format's numbers."""
NUMBERS = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 12, 13})
"""Types of elements that hold numbers."""
TEXTS = frozenset({16, 17, 18})
UINT32, MATRIX, COMPRESSED = 6, 14, 15
INTEGERS, NAMES = frozenset({5, 6}), frozenset({1, 2, 16})
"""Types of sizes and of names: signed by the format, unsigned or UTF-8 in some files."""
CELL, STRUCT, OBJECT, CHAR, SPARSE, FUNCTION, OPAQUE = 1, 2, 3, 4, 5, 16, 17
NUMERIC = range(6, 16)
"""Classes of matrices of numbers."""
COMPLEX = 0x0800


class _Element(NamedTuple):
    kind: int
    content: memoryview


def check_elements(data: bytes) -> None:
    """Raises DataError where an element of the file is none of the format's, or is cut short.

    Args:
        data: the whole file. Files of version 4, which have no such elements, pass.
    """
    if len(data) < HEADER or 0 in data[:4]:
        return
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None:
        raise DataError("its header does not say the order of bytes")
    rest = memoryview(data)[HEADER:]
    while len(rest):
        element, rest = _next(rest, order, padded=False)
        if element.kind == COMPRESSED:
            unpack = zlib.decompressobj()
            content = memoryview(unpack.decompress(element.content, MOST_BYTES))
            if not unpack.eof:
                raise DataError("a compressed variable is cut short")
            element, _ = _next(content, order)
        if element.kind != MATRIX:
            raise DataError(f"a variable has type {element.kind}")
        _check_matrix(element.content, order, 0)


def _next(data: memoryview, order: str, *, padded: bool = True) -> tuple[_Element, memoryview]:
    """The first element, and what stands behind it. padded: to a multiple of 8 bytes."""
    if len(data) < TAG:
        raise DataError("an element is cut short")
    kind, n = (int(x) for x in np.frombuffer(data[:TAG], f"{order}u4"))
    if kind >> 16:  # a small element: its number of bytes stands beside its type
        kind, n = kind & 0xFFFF, kind >> 16
        if n > 4:
            raise DataError(f"a small element has {n} bytes")
        first, end = 4, TAG
    else:
        first, end = TAG, TAG + n + (-n % 8 if padded and kind != COMPRESSED else 0)
    if kind not in NUMBERS | TEXTS | {MATRIX, COMPRESSED}:
        raise DataError(f"an element has type {kind}")
    if first + n > len(data):
        raise DataError("an element is cut short")
    return _Element(kind, data[first : first + n]), data[min(end, len(data)) :]


def _check_matrix(data: memoryview, order: str, depth: int) -> None:
    """One matrix: flags, dimensions, name, and the parts that its class asks for."""
    if depth > DEEPEST:
        raise DataError("matrices lie too deep in one another")
    if not len(data):
        return  # an empty matrix
    flags, data = _next(data, order)
    if flags.kind != UINT32 or len(flags.content) != 8:
        raise DataError("the flags of a matrix are damaged")
    word = int(np.frombuffer(flags.content[:4], f"{order}u4")[0])
    of_class, is_complex = word & 0xFF, bool(word & COMPLEX)
    if of_class == OPAQUE:
        _check_opaque(data, order)
        return
    sizes, data = _next(data, order)
    if sizes.kind not in INTEGERS or len(sizes.content) % 4 or not 8 <= len(sizes.content) <= 128:
        raise DataError("the dimensions of a matrix are damaged")
    dimensions = np.frombuffer(sizes.content, f"{order}i4").astype(object)
    if (dimensions < 0).any() or (n := int(np.prod(dimensions))) > MOST_BYTES:
        raise DataError("the dimensions of a matrix are impossible")
    name, data = _next(data, order)
    if name.kind not in NAMES:
        raise DataError("the name of a matrix is damaged")
    if of_class in (STRUCT, OBJECT):
        if of_class == OBJECT:
            _, data = _of(data, order, NAMES)
        width, data = _of(data, order, INTEGERS)
        names, data = _of(data, order, NAMES)
        each = int(np.frombuffer(width, f"{order}i4")[0]) if len(width) == 4 else 0
        if each <= 0 or len(names) % each:
            raise DataError("the names of a struct's fields are damaged")
        _check_matrices(data, order, n * (len(names) // each), depth)
    elif of_class == CELL:
        _check_matrices(data, order, n, depth)
    elif of_class == FUNCTION:
        _check_matrices(data, order, 1, depth)
    elif of_class == CHAR:
        _of(data, order, NUMBERS | TEXTS)
    elif of_class == SPARSE:
        for kinds in (INTEGERS, INTEGERS, NUMBERS, NUMBERS)[: 3 + is_complex]:
            _, data = _of(data, order, kinds)
    elif of_class in NUMERIC:
        for _ in range(1 + is_complex):
            _, data = _of(data, order, NUMBERS)
    else:
        raise DataError(f"a matrix has class {of_class}")


def _check_matrices(data: memoryview, order: str, n: int, depth: int) -> None:
    for _ in range(n):
        element, data = _next(data, order)
        if element.kind != MATRIX:
            raise DataError(f"an element of type {element.kind} stands where a matrix should")
        _check_matrix(element.content, order, depth + 1)


def _check_opaque(data: memoryview, order: str) -> None:
    """An object of a class of MATLAB's own: three names and a matrix."""
    for _ in range(3):
        _, data = _of(data, order, NAMES)
    _check_matrices(data, order, 1, 0)


def _of(data: memoryview, order: str, kinds: frozenset[int]) -> tuple[memoryview, memoryview]:
    element, data = _next(data, order)
    if element.kind not in kinds:
        raise DataError(f"an element of type {element.kind} stands where it cannot")
    return element.content, data
