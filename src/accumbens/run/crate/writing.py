"""A run as an RO-Crate, to publish or to hand over: its files, and what made them, in JSON-LD."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ...errors import ConfigError, DataError
from ...files import check_not_read, replacing
from ..kinds import kind_of
from ..provenance import read_made
from ..stored import read_json
from ..toml import read_about
from .description import CrateDescription
from .metadata import METADATA, metadata_of

LEFT_OUT = {"checkpoints", "slurm", METADATA}


def write_crate(
    run: str | os.PathLike[str],
    out: str | os.PathLike[str],
    description: CrateDescription | None = None,
) -> Path:
    """Writes a run as a Process Run Crate 0.5: a folder, or an archive where `out` ends in .zip.

    The crate holds the files of the run folder (links and hidden files are left out) and
    ro-crate-metadata.json, which says which data (by their fingerprint), options, versions and
    command they come from, and when they were made. The trial table itself is no part of it.

    Args:
        run: folder of a fit, of predictions, or of an analysis of credit or selectivity.
        out: folder or archive to write; it must not exist.
        description: title, authors, license and so on.

    Returns:
        Its path.

    Raises:
        ConfigError: `out` exists or lies in the run, or the folder is a sweep.
        DataError: there is no result, it is not finished, or the system refuses to write.

    Source:
        Leo et al. (2024), PLoS ONE 19(9):e0309210 (Workflow Run RO-Crate).

    Example:
        write_crate("runs/mine", "mine.zip", CrateDescription(author=("Ada Lovelace",)))
    """
    folder, target = Path(run), Path(out)
    kind = kind_of(folder)
    if kind.config is None or not folder.is_dir():
        raise ConfigError(
            f"{folder} is a result of {kind.command}, which is no run of one analysis. Name a run "
            "folder; the cells of a sweep are run folders below its folder cells."
        )
    _check_free(target)
    check_not_read(target, [folder])
    read_json(folder / "metrics.json")  # refused where it is not finished
    about = read_about(folder / "config.toml")
    given = description or CrateDescription()
    table = os.path.basename(str(about.get("table", "a table")))
    given = dataclasses.replace(
        given,
        name=given.name or f"{kind.command} of {table}",
        description=given.description
        or f"Result of {kind.command} on {table}: {kind.holds}, with all options and versions.",
    )
    files = list(_files(folder))
    today = datetime.datetime.now().astimezone().date()
    content = metadata_of(files, about, kind.command, read_made(folder), given, today)
    text = json.dumps(content, indent=1, ensure_ascii=True).encode()
    with replacing(target, to_disk=False) as part:
        if target.suffix.lower() == ".zip":
            _write_archive(part, files, text)
        else:
            part.mkdir()
            for place, path in files:
                (part / place).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, part / place)
            (part / METADATA).write_bytes(text)
    return target


def _check_free(path: Path) -> None:
    """Raises ConfigError where something has that name."""
    if path.is_symlink() or path.exists():
        raise ConfigError(f"{path} is there already. Name another folder or archive.")


def _write_archive(path: Path, files: list[tuple[PurePosixPath, Path]], text: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(METADATA, text)
        for place, own in files:
            archive.write(own, str(place))


def _files(folder: Path) -> Iterator[tuple[PurePosixPath, Path]]:
    """Place in the crate and path of each ordinary file of a run, in order."""
    for path in sorted(folder.rglob("*")):
        place = PurePosixPath(path.relative_to(folder).as_posix())
        odd = any(part.startswith(".") for part in place.parts) or place.parts[0] in LEFT_OUT
        linked = any((folder / above).is_symlink() for above in (place, *place.parents))
        if odd or linked or not path.is_file():
            continue
        try:
            str(place).encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"The name of the file {str(path)!r} is no text, so that a crate cannot name it. "
                "Rename it."
            ) from error
        yield place, path
