"""Words for what is drawn: choices, outcomes, latents, and how much data there is."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from ..models.catalogue import label_of
from ..trials import TrialNames, Trials


def choice_labels(names: TrialNames) -> tuple[str, ...]:
    """ "left" and "right" where the codes say so, else "choice 0", ..."""
    spelt = {"l": "left", "r": "right", "left": "left", "right": "right"}
    return tuple(
        spelt.get(code.lower(), code) if isinstance(code, str) else f"choice {code}"
        for code in names.choices
    )


def outcome_label(names: Sequence[str], values: Sequence[float], digits: int = 2) -> str:
    """One trial's outcomes in words: "rewarded"; "controllable + distractor"; "reward 0.3".

    Numbers other than 0 and 1 are given with so many digits; without outcomes there are no words.
    """
    if not names:
        return ""
    if any(value not in (0, 1) for value in values):
        return ", ".join(f"{n} {v:.{digits}g}" for n, v in zip(names, values, strict=True))
    if tuple(names) == ("reward",):
        return "rewarded" if values[0] else "unrewarded"
    came = [name for name, value in zip(names, values, strict=True) if value]
    if came:
        return " + ".join(came)
    return f"no {names[0]}" if len(names) == 1 else "neither" if len(names) == 2 else "none"


MOST_LETTERS = 32
"""A name of more letters is cut in figures, where it would leave no room for what is drawn."""


def printed(text: str) -> str:
    """Text for matplotlib as it stands: no dollar sign begins a formula, minus signs are minus,
    and marks that only steer the writing direction are left out."""
    plain = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return plain.replace("$", r"\$").replace(" -", " −")


def shortened(name: str, most: int = MOST_LETTERS) -> str:
    """A user's name as it is printed in figures: cut where it is longer than `most` letters."""
    return printed(name if len(name) <= most else f"{name[: most - 1]}…")


def symbol(name: str) -> str:
    """A latent's or input's name as it is printed: z_1 in italics with its index below; a number
    that describes the subject is no animal's name."""
    stem, _, number = name.partition("_")
    if stem == "subject" and number.isdecimal():
        return f"embedding {number}"
    if len(stem) == 1 and number.isalnum():
        return f"${stem}_{{{number}}}$"
    return shortened(name.replace("_", " "))


def signal_label(name: str) -> str:
    """A signal's own name, as in the table that it came from."""
    return shortened(name.replace("_", " "))


def model_label(name: str) -> str:
    """A model's name as it is printed: that of the catalogue, or the user's own."""
    return printed(label_of(name).replace("_", " "))


def counted(n: int, thing: str) -> str:
    """ "1 session", "1,200 trials"."""
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


def data_counts(trials: Trials) -> str:
    """How many subjects, sessions and trials with a choice, in words."""
    return ", ".join(
        (
            counted(len(set(trials.subject.tolist())), "subject"),
            counted(trials.n_sessions, "session"),
            counted(int(trials.valid.sum()), "trial") + " with a choice",
        )
    )
