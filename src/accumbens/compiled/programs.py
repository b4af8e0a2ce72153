"""Programs that JAX compiles, kept for the next process.

JAX keeps them by a key of all that made them, but writes files that another process may meet half
written, and runs whatever it finds. `Programs` takes the place of JAX's own folder of files: each
is written whole, with a checksum, and read only where nobody else can have written it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

from ..cores import cores
from ..errors import DataError
from ..files import replacing
from .place import FILE_MODE, Reason, key_of, place, processor, read_sealed, sealed

MAX_BYTES = 512 * 2**20
"""Programs of all kinds of runs that are kept; those that were used longest ago go first."""
OFF = "JAX_ENABLE_COMPILATION_CACHE"


def keep_programs() -> str | None:
    """From now on, JAX keeps what it compiles, and takes what an earlier process has kept.

    Commands call this by themselves; in a notebook, call it before the first fit. A second process
    then begins to train in about two seconds. Programs are kept in $XDG_CACHE_HOME or ~/.cache,
    under accumbens/programs, for this processor and this number of cores.

    Returns:
        Why nothing is kept, or None. JAX's own settings come first: `JAX_COMPILATION_CACHE_DIR`
        names another folder, `JAX_ENABLE_COMPILATION_CACHE=false` keeps nothing.
    """
    import jax

    settings: Any = jax.config
    if settings.jax_compilation_cache_dir is not None:
        return Reason(f"JAX keeps programs in {settings.jax_compilation_cache_dir}")
    if not settings.jax_enable_compilation_cache:
        return Reason(f"{OFF} is false")
    try:
        from jax._src import compilation_cache as theirs

        where = place("programs")
        if not where.kept:
            return Reason(f"{where.folder} does not outlive this process")
        ours = Programs(where.folder / key_of(processor(), str(os.cpu_count()), str(cores())))
        if not hasattr(theirs, "_cache") or not hasattr(theirs, "_cache_initialized"):
            return Reason("this version of JAX is not known")
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_compilation_cache_dir", str(ours.folder))
        theirs._cache, theirs._cache_initialized = ours, True
    except (ImportError, AttributeError, OSError) as error:
        return Reason(f"it cannot be set up ({error})")
    remove_oldest(where.folder)
    return None


class Programs:
    """A folder of compiled programs, as JAX asks for it.

    Args:
        folder: where they are; made with the first program that is put there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = self._path = folder

    def __repr__(self) -> str:
        return f"Programs({str(self.folder)!r})"

    def get(self, key: str) -> bytes | None:
        """The program of that key; None where there is none that is whole and the user's own."""
        file = self.folder / key
        program = read_sealed(file)
        if program is not None:
            with contextlib.suppress(OSError):
                os.utime(file)
        return program

    def put(self, key: str, value: bytes) -> None:
        """Keeps a program. A disk that refuses costs the next process some seconds, no more."""
        refused = contextlib.suppress(DataError, OSError)
        with refused:
            _remove_other_than_files(self.folder / key)
        with refused, replacing(self.folder / key, to_disk=False) as part:
            part.write_bytes(sealed(key, value))
            part.chmod(FILE_MODE)


def _remove_other_than_files(path: Path) -> None:
    """What else stands there under the name of a program: a folder, a link, a pipe."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.is_symlink() or (path.exists() and not path.is_file()):
        path.unlink()


def remove_oldest(folder: Path, max_bytes: int = MAX_BYTES) -> None:
    """Removes the programs of all processors that were used longest ago, until the rest has at most
    `max_bytes`."""
    with contextlib.suppress(OSError):
        found = [(file.stat(), file) for file in folder.rglob("*") if file.is_file()]
        total = sum(about.st_size for about, _ in found)
        for about, file in sorted(found, key=lambda pair: pair[0].st_mtime):
            if total <= max_bytes:
                break
            file.unlink(missing_ok=True)
            total -= about.st_size
