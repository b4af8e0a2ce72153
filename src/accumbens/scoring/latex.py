"""Any text, a user's names included, as LaTeX prints it: no character is a command."""

from __future__ import annotations

import re
import unicodedata

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "—": "---",
    "−": "$-$",
    "…": r"\ldots{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\char34}",  # \textquotedbl is not in every encoding
    "`": r"{\char96}",
    "\0": "{}",
} | {character: f"\\{character}" for character in "&%$#_{}"}


def escaped_latex(text: str) -> str:
    r"""The text for LaTeX, in any encoding of fonts: characters with a meaning are escaped, lines
    are joined, and marks that only steer the writing direction or control a device are left out.

    Letters beyond the ASCII ones stay: LaTeX has read UTF-8 since 2018, and LuaLaTeX or XeLaTeX
    have fonts for all of them.
    """
    one_line = re.sub(r"\s+", " ", text)
    plain = "".join(c for c in one_line if unicodedata.category(c) not in ("Cf", "Cc"))
    apart = re.sub(r"-(?=-)", "-\0", plain)  # or two hyphens would be a dash
    escaped = "".join(_LATEX.get(character, character) for character in apart)
    # after the \\ of the row before, these would be an option of it
    return f"{{{escaped[0]}}}{escaped[1:]}" if escaped[:1] in ("[", "*") else escaped
