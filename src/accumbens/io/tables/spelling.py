"""Labels that are probably one label, spelled in several ways ("M1", "m1 ", "M01")."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from .problems import listed, show

_PIECE = re.compile(r"\d+|[^\W\d_]+|[^\w\s]")
_SEPARATOR = re.compile(r"(?<=\w)[\s_\-./:]+(?=\w)")

SAY = "--labels-differ"
"""The option that says that labels which look alike do differ."""


def spelling_key(label: str) -> tuple[str, ...]:
    """The same for labels that differ only in blanks, separators, case, leading zeros or ".0".

    Runs of digits and of letters are compared one by one, so "1-11" is not "11-1"; a sign before
    digits counts ("-1" is not "1"), and so do digits behind a decimal point ("1.5" is not "1.05").

    Args:
        label: of a subject or session.
    """
    text = " ".join(unicodedata.normalize("NFKC", label).casefold().split())
    text = re.sub(r"(?<=\d)\.0+$", "", text)
    if re.fullmatch(r"[+-]?\d+\.\d+", text):
        return (str(float(text)),)
    text = _SEPARATOR.sub(lambda m: " -" if len(m[0]) > 1 and m[0][-1] == "-" else " ", text)
    pieces = _PIECE.findall(text)
    return tuple(piece.lstrip("0") or "0" if piece.isdecimal() else piece for piece in pieces)


def alike(labels: Iterable[str]) -> list[tuple[str, ...]]:
    """The groups of different labels that look like one.

    Args:
        labels: of subjects, or of the sessions of one subject.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for label in dict.fromkeys(labels):
        groups.setdefault(spelling_key(label), []).append(label)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def alike_of(what: str, groups: list[tuple[str, ...]]) -> str:
    """In words, which labels look alike: `subjects "M1" and "m1" look like one`.

    Args:
        what: "subjects", or the sessions of someone.
        groups: as `alike` gives them.
    """
    each = [listed(group[:4], len(group)) for group in groups[:3]]
    more = f"; and {len(groups) - 3} more" if len(groups) > 3 else ""
    return f"{what} {'; '.join(each)} look like one (blanks, case, zeros){more}"


def alike_in(
    subjects: Iterable[str], sessions: Iterable[tuple[str, str]]
) -> list[tuple[str, list[tuple[str, ...]]]]:
    """Subjects that look alike, then sessions that look alike within a subject.

    Args:
        subjects: their names.
        sessions: the subject and the label of each.

    Returns:
        For each kind its words ("subjects"; `sessions of subject "M1"`) and its groups.
    """
    found = [("subjects", alike(subjects))]
    by_subject: dict[str, list[str]] = {}
    for subject, label in sessions:
        by_subject.setdefault(subject, []).append(label)
    found += [(f"sessions of subject {show(s)}", alike(own)) for s, own in by_subject.items()]
    return [(what, groups) for what, groups in found if groups]
