"""HTML from Python: whatever is not markup already comes out as text.

Names of animals, sessions and columns come from users' files, so there is one way to make an
element, and it escapes.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

_VOID = frozenset({"meta", "br", "hr", "input", "link"})


class Markup(str):
    """Text that is HTML."""

    __slots__ = ()


class Shown(Markup):
    """A number as it is printed, with what stands for it in a CSV file."""

    __slots__ = ("plain",)
    plain: str

    @classmethod
    def of(cls, printed: str, plain: str) -> Shown:
        """Printed with a true minus sign. plain: all digits, which programs read."""
        made = cls(printed.replace("-", "−"))
        made.plain = plain
        return made


Content = str | Markup | int | float | None | Iterable["Content"]
"""What may stand in an element: text, markup, or several; None for nothing."""


def tag(name: str, /, *content: Content, **attributes: Any) -> Markup:
    """An element.

    Args:
        name: of the element, `p`.
        content: text, which is escaped, and markup, which is not.
        attributes: by name, without a `_` at the end (`class_`), `-` for every other `_`; True is
            an attribute without a value, None and False are none.
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{joined(*content)}</{name}>")


def joined(*content: Content) -> Markup:
    """Pieces of text and markup, one after the other."""
    return Markup("".join(map(_piece, content)))


def named(name: object) -> Markup:
    """A name of the user's, set apart so that its writing direction moves nothing around it."""
    return tag("bdi", str(name))


def _attribute(key: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = key.removesuffix("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'


def _piece(content: Content) -> str:
    if content is None:
        return ""
    if isinstance(content, Markup):
        return content
    if isinstance(content, str | int | float):
        return html.escape(str(content))
    return "".join(map(_piece, content))
