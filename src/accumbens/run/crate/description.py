"""What a user says of a crate."""

from __future__ import annotations

import dataclasses

from ...errors import ConfigError


@dataclasses.dataclass(frozen=True)
class CrateDescription:
    """Words that a repository shows, and the license."""

    name: str = ""
    """Title; by default what it is and of which table."""
    description: str = ""
    """What it is about, in a sentence or more; by default which command made it, of which data."""
    author: tuple[str, ...] = ()
    """Each author, "Ada Lovelace" or "Ada Lovelace https://orcid.org/0000-0002-1825-0097"."""
    license: str = "All rights reserved; ask the authors."
    """License: its URL, or words."""

    def __post_init__(self) -> None:
        if not self.license.strip():
            raise ConfigError("license is empty. Name one, by its URL or in words.")
        if not all(name.strip() for name in self.author):
            raise ConfigError("author holds an empty name. Name each author, or none.")
