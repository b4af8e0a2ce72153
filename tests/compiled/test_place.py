"""Whose compiled code is believed."""

import os
import stat

import pytest

from accumbens.compiled import place as module
from accumbens.compiled.place import (
    cache_folder,
    key_of,
    place,
    read_sealed,
    sealed,
    why_not_trusted,
)

needs_owners = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0,
    reason="only the administrator can give files to other users",
)
ANOTHER_USER = 12345


@pytest.fixture(autouse=True)
def an_empty_cache(monkeypatch, tmp_path):
    tmp_path.chmod(0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(module, "_said", set())


def test_a_new_folder_is_the_users_own_and_others_may_read_it():
    old = os.umask(0o000)
    try:
        where = place("kernels")
    finally:
        os.umask(old)
    assert where == (cache_folder() / "kernels", True)
    assert stat.S_IMODE(where.folder.stat().st_mode) == 0o755
    assert place("kernels") == where


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757])
def test_a_folder_that_others_may_write_to_is_not_used(mode):
    folder = place("kernels").folder
    folder.chmod(mode)
    with pytest.warns(UserWarning, match=r"not kept .* others may write to .*kernels.*chmod go-w"):
        where = place("kernels")
    assert not where.kept
    assert folder not in (where.folder, *where.folder.parents)
    assert stat.S_IMODE(where.folder.stat().st_mode) == 0o700
    assert place("kernels") == where, "one folder a process, and one warning"
    folder.chmod(0o755)
    assert place("kernels").kept


@needs_owners
def test_a_folder_or_file_of_another_user_is_not_used():
    folder = place("kernels").folder
    file = folder / "loop.so"
    file.write_bytes(sealed("loop.so", b"code"))
    assert read_sealed(file) == b"code"
    os.chown(file, ANOTHER_USER, -1)
    assert read_sealed(file) is None
    os.chown(folder, ANOTHER_USER, -1)
    with pytest.warns(UserWarning, match="belongs to another user"):
        assert not place("kernels").kept


def test_a_folder_in_one_where_anyone_may_replace_it_is_not_used(tmp_path):
    folder = place("kernels").folder
    tmp_path.chmod(0o777)
    assert "anyone may replace" in (why_not_trusted(folder) or "")
    tmp_path.chmod(0o1777)
    assert why_not_trusted(folder) is None


def test_where_no_folder_can_be_made_the_process_has_its_own(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="cannot be used"):
        assert not place("kernels").kept


def test_every_change_of_a_sealed_file_is_noticed(tmp_path):
    file = tmp_path / "a"
    whole = sealed("a", b"0123456789")
    for i in range(len(whole)):
        file.write_bytes(whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :])
        assert read_sealed(file) is None
        file.write_bytes(whole[:i])
        assert read_sealed(file) is None
    file.write_bytes(whole)
    assert read_sealed(file) == b"0123456789"
    file.rename(tmp_path / "b")
    assert read_sealed(tmp_path / "b") is None, "no file can stand for another"
    assert read_sealed(tmp_path / "not there") is None


def test_a_key_tells_its_parts_apart():
    assert key_of("ab", "c") != key_of("a", "bc")
    assert key_of("a", b"b") == key_of(b"a", "b")
