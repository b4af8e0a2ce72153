"""Widths of journals' columns, and how high a page of theirs is."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import ConfigError


class PageSize(NamedTuple):
    """Widths of one column and of the whole page, and the largest height of a figure, in mm."""

    column: float
    page: float
    height: float


JOURNALS: dict[str, PageSize] = {
    "nature": PageSize(89.0, 183.0, 247.0),
    "science": PageSize(57.0, 184.0, 230.0),
    "cell": PageSize(85.0, 174.0, 225.0),
    "elife": PageSize(85.0, 178.0, 240.0),
    "pnas": PageSize(87.0, 178.0, 225.0),
    "jneurosci": PageSize(85.0, 176.0, 230.0),
    "plos": PageSize(132.0, 190.5, 222.0),
    "letter": PageSize(83.0, 178.0, 235.0),
}
"""By the journal; `letter` is a conference page of two columns on letter paper.

The usual sizes of Nature, Science, Cell Press, eLife, PNAS, the Journal of Neuroscience and PLOS.
Ask the journal's guide for authors before you submit: they change.
"""


def page_of(journal: str) -> PageSize:
    """The sizes of a journal's page.

    Args:
        journal: one of `JOURNALS`.

    Raises:
        ConfigError: it is not known.
    """
    if journal not in JOURNALS:
        raise ConfigError(f"There is no journal {journal!r}; there are {', '.join(JOURNALS)}.")
    return JOURNALS[journal]
