"""What ro-crate-metadata.json says of a run: JSON-LD of the profile Process Run Crate 0.5.

Source: RO-Crate 1.1 (https://w3id.org/ro/crate/1.1) and Process Run Crate 0.5
(https://w3id.org/ro/wfrun/process/0.5).
"""

from __future__ import annotations

import datetime
import mimetypes
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from ...version import __version__
from ..provenance import made_in_words
from .description import CrateDescription

METADATA = "ro-crate-metadata.json"
CRATE, PROFILE = "https://w3id.org/ro/crate/1.1", "https://w3id.org/ro/wfrun/process/0.5"
CONTEXT = (f"{CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context")
HOMEPAGE = "https://pypi.org/project/accumbens/"
FORMATS = {
    ".parquet": "application/vnd.apache.parquet", ".toml": "application/toml",
    ".safetensors": "application/octet-stream", ".md": "text/markdown", ".tex": "application/x-tex",
    ".csv": "text/csv", ".json": "application/json",
}  # fmt: skip
ABOUT_FILES = {
    "config.toml": "Every option, versions and the fingerprint of the data",
    "split.json": "Which sessions were fitted and which held out",
    "metrics.json": "The numbers that were found",
    "predictions.parquet": "One row a trial: choice probabilities, predicted signals, latents",
    "history.parquet": "Every step of training",
    "methods.md": "The statistics in the words of a methods section",
    "made.json": "When, where, by which command and how long it was made",
    "table1.csv": "The comparison of the models",
}
"""What the files of a run are, by name."""
Entity = dict[str, Any]


def metadata_of(
    files: Sequence[tuple[PurePosixPath, Path]], about: Mapping[str, Any], command: str,
    made: Sequence[Mapping[str, Any]], description: CrateDescription, today: datetime.date,
) -> Entity:  # fmt: skip
    """The whole content of ro-crate-metadata.json.

    Args:
        files: place in the crate, and where each is now.
        about: what the run's config.toml says of its data and versions.
        command: what makes such a result, `accumbens fit`.
        made: entries of made.json; none where an earlier version wrote none.
        description: what the user says of it.
        today: the date of publication.
    """
    parts = [_file(place, path) for place, path in files]
    software = _software(about.get("versions", {}))
    table = _table(about)
    options = [part for part in parts if part["@id"] == "config.toml"]
    results = [part for part in parts if part["@id"] not in ("config.toml", "made.json")]
    people = [_person(i, name) for i, name in enumerate(description.author, 1)]
    entries: Sequence[Mapping[str, Any]] = made or [{}]
    actions = [
        _action(i, entry, command, len(entries))
        | {"instrument": {"@id": software["@id"]}, "object": _references([table, *options])}
        | ({"agent": _references(people)} if people else {})
        for i, entry in enumerate(entries, 1)
    ]
    actions[-1]["result"] = _references(results)
    root: Entity = {
        "@id": "./", "@type": "Dataset", "name": description.name,
        "description": description.description, "datePublished": today.isoformat(),
        "license": description.license, "conformsTo": {"@id": PROFILE},
        "hasPart": _references(parts),
        "mentions": _references(actions),
    }  # fmt: skip
    rights: list[Entity] = []
    if description.license.startswith(("http://", "https://")):
        root["license"] = {"@id": description.license}
        rights = [{"@id": description.license, "@type": "CreativeWork",
                   "name": description.license, "description": "License of the crate"}]  # fmt: skip
    if people:
        root["author"] = _references(people)
    descriptor = {
        "@id": METADATA, "@type": "CreativeWork", "about": {"@id": "./"},
        "conformsTo": {"@id": CRATE},
    }  # fmt: skip
    profile = {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate",
               "version": "0.5"}  # fmt: skip
    graph = [descriptor, root, profile, software, table, *people, *rights, *actions, *parts]
    return {"@context": list(CONTEXT), "@graph": graph}


def identifier(place: PurePosixPath) -> str:
    """A place in the crate as a relative URI: blanks and all else that is special are encoded."""
    return quote(str(place), safe="/")


def _references(entities: Sequence[Entity]) -> Any:
    """Their identifiers; of one alone no list, as RO-Crate asks."""
    found = [{"@id": entity["@id"]} for entity in entities]
    return found[0] if len(found) == 1 else found


def _file(place: PurePosixPath, path: Path) -> Entity:
    kind = FORMATS.get(place.suffix.lower()) or mimetypes.guess_type(place.name)[0]
    found: Entity = {
        "@id": identifier(place), "@type": "File", "name": str(place),
        "contentSize": str(path.stat().st_size),
        "encodingFormat": kind or "application/octet-stream",
    }  # fmt: skip
    if len(place.parts) == 1 and place.name in ABOUT_FILES:
        found["description"] = ABOUT_FILES[place.name]
    return found


def _software(versions: Mapping[str, Any]) -> Entity:
    version = str(versions.get("accumbens", __version__))
    others = ", ".join(f"{name} {v}" for name, v in versions.items() if name != "accumbens")
    return {
        "@id": f"{HOMEPAGE}{version}/", "@type": "SoftwareApplication", "name": "accumbens",
        "url": HOMEPAGE, "softwareVersion": version,
        "softwareRequirements": others or "not known",
    }  # fmt: skip


def _table(about: Mapping[str, Any]) -> Entity:
    return {
        "@id": "#table", "@type": "CreativeWork",
        "name": _shown(os.path.basename(str(about.get("table", "trial table")))) or "trial table",
        "description": "The trial table that was read; it is no part of the crate. The identifier "
        "is the SHA-256 of its trials, as accumbens.run.fingerprint gives it.",
        "identifier": str(about.get("fingerprint", "not known")),
    }  # fmt: skip


def _person(number: int, name: str) -> Entity:
    """`Ada Lovelace` or `Ada Lovelace https://orcid.org/0000-...`."""
    text, _, orcid = name.rpartition(" ")
    if orcid.startswith("https://orcid.org/") and text:
        return {"@id": orcid, "@type": "Person", "name": text.strip()}
    return {"@id": f"#author-{number}", "@type": "Person", "name": name}


def _action(number: int, entry: Mapping[str, Any], command: str, n: int) -> Entity:
    which = f", part {number} of {n}" if n > 1 else ""
    found: Entity = {
        "@id": f"#run-{number}", "@type": "CreateAction", "name": f"{command}{which}",
        "description": "When and where is not known: version 0.1.0 did not write it down.",
    }  # fmt: skip
    try:
        begun = datetime.datetime.fromisoformat(str(entry["begun"]))
        ended = begun + datetime.timedelta(seconds=float(entry["seconds"]))
        return found | {"description": made_in_words(dict(entry)), "startTime": begun.isoformat(),
                        "endTime": ended.isoformat(timespec="seconds")}  # fmt: skip
    except (KeyError, TypeError, ValueError, OverflowError):
        return found


def _shown(text: str) -> str:
    """Text that JSON can hold, whatever the bytes of a file's name are."""
    return os.fsencode(text).decode("utf-8", "replace")
