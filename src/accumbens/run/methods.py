"""A methods section of a run: sentences on the statistics that were done, and their references."""

from __future__ import annotations

from collections.abc import Sequence

from .provenance import versions

REFERENCES = {
    "lau": "Lau, B. & Glimcher, P. W. (2005). J. Exp. Anal. Behav. 84, 555-579.",
    "harris": "Harris, K. D. (2020). Nonsense correlations in neuroscience. bioRxiv.",
    "phipson": "Phipson, B. & Smyth, G. K. (2010). Stat. Appl. Genet. Mol. Biol. 9, 39.",
    "bell": "Bell, R. M. & McCaffrey, D. F. (2002). Survey Methodology 28, 169-181.",
    "rao": "Rao, J. N. K. & Wu, C. F. J. (1988). J. Am. Stat. Assoc. 83, 231-241.",
    "hartung": "Hartung, J. & Knapp, G. (2001). Stat. Med. 20, 3875-3889; Knapp, G. & Hartung, J. "
    "(2003). Stat. Med. 22, 2693-2710.",
    "paule": "Paule, R. C. & Mandel, J. (1982). J. Res. Natl. Bur. Stand. 87, 377-385.",
    "fisher": "Fisher, R. A. (1935). The design of experiments, section 21.",
    "jain": "Jain, S. et al. Simultaneous modeling of behavior and dopamine with disentangled "
    "RNNs.",
    "laird": "Laird, N. M. & Ware, J. H. (1982). Biometrics 38, 963-974.",
    "westfall": "Westfall, P. H. & Young, S. S. (1993). Resampling-based multiple testing, "
    "algorithm 4.1.",
    "welch": "Welch, B. L. (1947). Biometrika 34, 28-35.",
    "scott": "Scott, S. L. (2002). J. Am. Stat. Assoc. 97, 337-351.",
    "ito": "Ito, M. & Doya, K. (2009). J. Neurosci. 29, 9861-9874.",
}
"""What is cited, by the key that stands in brackets in the text."""


def section(title: str, paragraphs: Sequence[str]) -> str:
    """Markdown of paragraphs in which [key] cites; the references that are cited, and versions.

    Args:
        title: of the section.
        paragraphs: sentences; a key of `REFERENCES` in brackets becomes the number of its entry.
    """
    text = "\n\n".join(paragraphs)
    at = {key: place for key in REFERENCES if (place := text.find(f"[{key}]")) >= 0}
    cited = sorted(at, key=lambda key: at[key])
    for number, key in enumerate(cited, 1):
        text = text.replace(f"[{key}]", f"[{number}]")
    listed = "\n".join(f"{i}. {REFERENCES[key]}" for i, key in enumerate(cited, 1))
    made = versions()
    software = (
        f"Analyses were done with accumbens {made['accumbens']} (Python {made['python']}, JAX "
        f"{made['jax']}, NumPy {made['numpy']}, pandas {made['pandas']})."
    )
    parts = [f"# {title}", text, software]
    return "\n\n".join([*parts, listed] if listed else parts) + "\n"
