"""Files that are there as a whole or not at all, and errors that say what to do."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from accumbens.errors import ConfigError, DataError
from accumbens.files import (
    claimed,
    folder_for_results,
    make_folder,
    remove_unfinished,
    replacing,
    write_atomically,
)


def fails(code):
    def failing(*_, **__):
        raise OSError(code, os.strerror(code))

    return failing


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_file_appears_with_the_folders_above_it(tmp_path):
    write_atomically(tmp_path / "a" / "b" / "c.json", b"one")
    write_atomically(tmp_path / "a" / "b" / "c.json", b"two")
    assert (tmp_path / "a" / "b" / "c.json").read_bytes() == b"two"
    assert names(tmp_path) == {"a", "a/b", "a/b/c.json"}


def test_a_folder_appears_as_a_whole(tmp_path):
    with replacing(tmp_path / "x.zarr") as part:
        part.mkdir()
        (part / "chunk").write_bytes(b"1")
        assert names(tmp_path) == {part.name, f"{part.name}/chunk"}
    assert names(tmp_path) == {"x.zarr", "x.zarr/chunk"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_an_error_leaves_what_was_there(tmp_path, error, kind):
    (tmp_path / "x").write_bytes(b"before")

    def write_half_of_it():
        with replacing(tmp_path / "x") as part:
            if kind == "folder":
                part.mkdir()
                part = part / "chunk"
            part.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        write_half_of_it()
    assert names(tmp_path) == {"x"}
    assert (tmp_path / "x").read_bytes() == b"before"


@pytest.mark.parametrize("step", ["pathlib.Path.write_bytes", "os.fsync", "os.replace"])
def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch, step):
    path = tmp_path / "metrics.json"
    path.write_bytes(b"before")
    with monkeypatch.context() as broken:
        broken.setattr(step, fails(errno.ENOSPC))
        with pytest.raises(DataError, match=r"metrics\.json: No space left on device\. Make room"):
            write_atomically(path, b"after")
    assert path.read_bytes() == b"before"
    assert names(tmp_path) == {"metrics.json"}


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.EACCES, r"Permission denied\. Name a folder where you may write\."),
        (errno.EROFS, r"Read-only file system\. Name a folder where you may write\."),
        (errno.EDQUOT, r"quota exceeded\. Make room there"),
        (errno.EIO, r"error\. Name a folder on a disk with room"),
    ],
)
def test_what_the_system_refuses_comes_with_advice(tmp_path, monkeypatch, code, advice):
    monkeypatch.setattr("pathlib.Path.mkdir", fails(code))
    with pytest.raises(DataError, match=f"Cannot write .*new/x.*{advice}"):
        write_atomically(tmp_path / "new" / "x", b"")
    with pytest.raises(ConfigError, match=f"Cannot make the run folder .*new: .*{advice}"):
        make_folder(tmp_path / "new", "run folder")


def test_a_file_system_without_fsync_will_do(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", fails(errno.EINVAL))
    write_atomically(tmp_path / "x", b"1")
    assert (tmp_path / "x").read_bytes() == b"1"


def test_files_and_folders_in_the_way(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for make in (lambda p: write_atomically(p, b""), make_folder):
        with pytest.raises((DataError, ConfigError), match=r"file is a file, not a folder\."):
            make(tmp_path / "file" / "a" / "b")
    with pytest.raises(ConfigError, match=r"file is a file, not a folder\. Name another folder"):
        make_folder(tmp_path / "file")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match=r"folder: it is a folder\. Name a file inside it"):
        write_atomically(tmp_path / "folder", b"")
    with pytest.raises(DataError, match="the name is too long"):
        write_atomically(tmp_path / ("x" * 300), b"")
    with pytest.raises(DataError, match=r"/dev/null: it is not an ordinary file"):
        write_atomically("/dev/null", b"")
    assert names(tmp_path) == {"file", "folder"}


def test_a_name_as_long_as_names_may_be(tmp_path):
    write_atomically(tmp_path / ("x" * 255), b"1")
    assert names(tmp_path) == {"x" * 255}


def test_a_link_goes_on_pointing_to_its_file(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "x")
    write_atomically(tmp_path / "link", b"1")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "x").read_bytes() == b"1"


def test_what_a_killed_process_left_is_removed(tmp_path):
    code = """
import os, sys
from accumbens.files import replacing
with replacing(sys.argv[1]) as part:
    part.mkdir()
    (part / "chunk").write_bytes(b"1")
    os._exit(9)
"""
    target = tmp_path / "models" / "x"
    done = subprocess.run([sys.executable, "-c", code, target], check=False)
    assert done.returncode == 9
    running = tmp_path / f".accumbens-{os.getppid()}-0.tmp"
    running.write_bytes(b"being written")
    (tmp_path / ".accumbens-notes.tmp").write_bytes(b"a user's")
    assert len(list((tmp_path / "models").iterdir())) == 1
    remove_unfinished(tmp_path)
    assert names(tmp_path) == {"models", running.name, ".accumbens-notes.tmp"}
    remove_unfinished(tmp_path / "nowhere")


CLAIMS = """
import sys, time
from pathlib import Path
from accumbens.files import claimed
with claimed(Path(sys.argv[1])):
    print("claimed", flush=True)
    time.sleep(60)
"""


def test_a_folder_is_claimed_by_one_process_until_it_ends(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", CLAIMS, str(tmp_path)], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"claimed\n"
        said = pytest.raises(ConfigError, match=r"Another process is writing to .* Wait")
        with said, claimed(tmp_path):
            pass
        other.kill()
    said = pytest.raises(ConfigError, match="Another process")
    with folder_for_results(tmp_path), said, claimed(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_claimed_by_another_stays(tmp_path):
    said = pytest.raises(ConfigError, match="Another process")
    with claimed(tmp_path), said, folder_for_results(tmp_path):
        pytest.fail("both write")
    assert tmp_path.is_dir()
