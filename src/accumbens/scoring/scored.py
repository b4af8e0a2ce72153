"""Which trials were scored, in a few characters that two results can be compared by."""

from __future__ import annotations

import hashlib
import json

from ..summary import counted
from ..trials import Trials

DIGITS = 16
"""Hexadecimal digits kept of a hash: two sets of trials agree by chance once in 2^64."""


def scored_trials_hash(trials: Trials) -> str:
    """A hash of the keys of the trials whose choice is scored.

    The first 16 hexadecimal digits of the SHA-256 of one line a trial, the JSON array
    `["subject", "session", trial]` (trial: its number in the table), in UTF-8, lines sorted and
    each ended by a newline. The order of sessions, missed trials and all values do not matter: two
    results with one hash have scored the same choices.

    Args:
        trials: those that are scored, such as the held-out ones of a split.

    Returns:
        16 hexadecimal digits.

    Example:
        >>> import numpy as np
        >>> from accumbens import scoring, trials_from_arrays
        >>> trials = trials_from_arrays(np.zeros((2, 3), int), np.ones((2, 3, 1)))
        >>> scoring.scored_trials_hash(trials)
        '8407e0e14eb738c6'
    """
    names = trials.names
    lines = []
    for i, (subject, session) in enumerate(zip(trials.subject, names.sessions, strict=True)):
        key = [str(names.subjects[subject]), str(session)]
        for trial in trials.number[i][trials.scored[i]]:
            line = json.dumps([*key, int(trial)], ensure_ascii=False, separators=(", ", ": "))
            lines.append(f"{line}\n".encode())
    return hashlib.sha256(b"".join(sorted(lines))).hexdigest()[:DIGITS]


def which_trials(n: int, key_hash: str) -> str:
    """A sentence for below a table: how many choices were scored, and the hash of their keys."""
    return f"Scored: {counted(n, 'choice')}; hash of their keys: {key_hash}."
