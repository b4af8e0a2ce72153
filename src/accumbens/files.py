"""Writing files so that a reader meets the whole of one, or none, even after a crash.

What is being written has a name of its own beside the file, `.accumbens-<process>-<number>.tmp`,
and takes the file's name at the end. An error removes it; after a kill, `remove_unfinished` does.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from .errors import ConfigError, DataError

CLAIM = ".accumbens.lock"
_UNFINISHED = re.compile(r"\.accumbens-(\d+)-\d+\.tmp")
_numbers = itertools.count()
_being_written: set[Path] = set()


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], *, to_disk: bool = True) -> Iterator[Path]:
    """Where to write a file, or a folder, that is to be named `path`, which it is given at the end.

    Folders above are made. On any error nothing is left behind, and what had that name stays.

    Args:
        path: its name.
        to_disk: whether to wait until it is on the disk, so that it survives a loss of power.

    Raises:
        DataError: the system refuses; says why, and what to do.
    """
    path = Path(path)
    part = path.with_name(f".accumbens-{os.getpid()}-{next(_numbers)}.tmp")
    try:
        if path.is_symlink():
            path = path.resolve()
            part = path.with_name(part.name)
        _being_written.add(part)
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise DataError(f"Cannot write {path}: it is not an ordinary file. Name another file.")
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        if to_disk and part.is_file():
            _to_disk(part)
        os.replace(part, path)
        if to_disk:
            _to_disk(path.parent)
    except OSError as error:
        raise DataError(f"Cannot write {path}: {_why(error, path)}") from error
    finally:
        _remove(part)
        _being_written.discard(part)


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Writes the whole file or nothing. Raises DataError where the system refuses."""
    with replacing(path) as part:
        part.write_bytes(content)


def check_free(path: str | os.PathLike[str], *, replace: bool) -> None:
    """Checks that nothing is written over unless that is asked for.

    Args:
        path: of the file that is to be written.
        replace: whether what is there may be replaced.

    Raises:
        ConfigError: there is a file, and it may not be replaced.
    """
    if Path(path).exists() and not replace:
        raise ConfigError(f"{path} is there already. Name another file, or add --replace.")


def check_not_read(path: str | os.PathLike[str], read: Iterable[str | os.PathLike[str]]) -> None:
    """Checks that a file is not written over one that is read, whatever they are called.

    Args:
        path: of the file that is to be written.
        read: files and folders that are read.

    Raises:
        ConfigError: it is one of them, or lies in one of them.
    """
    out = Path(path)
    for source in map(Path, read):
        same = out.exists() and source.exists() and os.path.samefile(out, source)
        if same or out.resolve() == source.resolve() or source.resolve() in out.resolve().parents:
            raise ConfigError(
                f"{path} is {'' if same else 'in '}{source}, which is read. Nothing is written "
                "over what is read: name another file."
            )


def make_folder(path: str | os.PathLike[str], what: str = "folder") -> Path:
    """The folder, made with all those above it if it is not there.

    Args:
        path: of the folder.
        what: what to call it in the message.

    Raises:
        ConfigError: it cannot be made; says why, and what to do.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise ConfigError(f"Cannot make the {what} {path}: {_why(error, path)}") from error
    return path


class InUse(ConfigError):
    """Another process writes to a folder."""


@contextlib.contextmanager
def claimed(path: Path, name: str = CLAIM, *, wait: float = 0.0) -> Iterator[None]:
    """Keeps a folder for this thread while the context lasts: nobody else can claim it.

    What a process that was killed had half written in it is removed. The system gives it free when
    the process ends, however that happens. On a disk that knows no locks nothing is kept.

    Args:
        path: the folder.
        name: of the lock in it; each is a claim of its own.
        wait: seconds to wait for another process.

    Raises:
        InUse: another process, or thread, has claimed it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path / name)
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        raise InUse(
            f"Another process is writing to {path}. Wait until it has ended, or name another "
            "folder."
        ) from None
    except (OSError, NotImplementedError):
        yield
        return
    try:
        remove_unfinished(path)
        yield
    finally:
        lock.release()
        _remove(path / name)


def is_claimed(path: Path, name: str = CLAIM) -> bool:
    """Whether another process, or thread, has claimed a folder.

    Args:
        path: the folder.
        name: of the lock in it.
    """
    if not (path / name).exists():
        return False
    try:
        with claimed(path, name):
            return False
    except InUse:
        return True


@contextlib.contextmanager
def folder_for_results(path: str | os.PathLike[str], what: str = "folder") -> Iterator[Path]:
    """The folder, made as by `make_folder` and `claimed`; an error leaves no empty one behind."""
    path = Path(path)
    new = [folder for folder in (path, *path.parents) if not folder.exists()]
    make_folder(path, what)
    try:
        with claimed(path):
            yield path
    except BaseException:
        for folder in new:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def abandon() -> None:
    """Removes whatever any thread of this process is writing: the process is about to end."""
    for part in tuple(_being_written):
        _remove(part)


def remove_unfinished(folder: Path) -> None:
    """Removes what this process, or one that no longer runs, was writing somewhere in `folder`.

    What cannot be removed stays; a folder that is not there holds nothing.
    """
    for part in folder.rglob(".accumbens-*.tmp"):
        match = _UNFINISHED.fullmatch(part.name)
        if match and not _runs(int(match[1])):
            _remove(part)


def _runs(process: int) -> bool:
    """Whether another process of that number runs here."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _why(error: OSError, path: Path) -> str:
    """The system's reason, and what a user can do about it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"{error.strerror}. Make room there, or name a folder on another disk; what was "
            "written before is kept."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{error.strerror}. Name a folder where you may write."
    if error.errno == errno.ENAMETOOLONG:
        return "the name is too long. Name a shorter one."
    blocking = next((p for p in (path, *path.parents) if p.exists() and not p.is_dir()), None)
    if error.errno in (errno.ENOTDIR, errno.EEXIST) and blocking is not None:
        return f"{blocking} is a file, not a folder. Name another folder."
    if error.errno in (errno.EISDIR, errno.ENOTEMPTY):
        return "it is a folder. Name a file inside it, or another one."
    return f"{error.strerror or error}. Name a folder on a disk with room, where you may write."


def _to_disk(path: Path) -> None:
    """Asks the system to put a file, or the names in a folder, on the disk now, if it can."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return  # Windows opens no folders
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EACCES):
            raise
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()
