"""C++ compiled on first use: kept, damaged, foreign, and with compilers that misbehave."""

import os
import subprocess
import sys
from functools import partial

import pytest

from accumbens.compiled import libraries
from accumbens.compiled import place as places
from accumbens.compiled.libraries import Built, Source, builds, built
from accumbens.compiled.place import Reason, cache_folder, read_sealed
from helpers.compilers import needs_compiler

pytestmark = needs_compiler


@pytest.fixture
def forget(monkeypatch, tmp_path):
    """An empty cache; call it to become a process that has loaded nothing."""
    tmp_path.chmod(0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(places, "_said", set())
    monkeypatch.setattr(libraries, "_builds", {})
    monkeypatch.setattr(libraries, "_failures", {})

    def forget():
        monkeypatch.setattr(libraries, "_loaded", {})
        libraries._built.cache_clear()

    forget()
    yield forget
    libraries._built.cache_clear()


@pytest.fixture
def source(tmp_path):
    file = tmp_path / "seven.cpp"
    file.write_text('extern "C" int seven() { return 7; }\n')
    return Source("seven", (file,), ("seven",))


def loaded(source):
    """The library of `source`, which there is."""
    found = built(source)
    assert isinstance(found, Built), found
    return found


def kept():
    return sorted((cache_folder() / "kernels").iterdir())


def compiler(folder, script):
    """A compiler that says which version it is, accepts an empty file, and then runs `script`."""
    file = folder / "c++"
    file.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exec {real()} --version\n'
        f'for word in "$@"; do [ "$word" = -fsyntax-only ] && exec {real()} "$@"; done\n{script}\n'
    )
    file.chmod(0o755)
    return str(file)


def real():
    return libraries._compiler(libraries.Setting(None, os.environ["PATH"], None, None))


def test_a_library_is_built_once_and_others_may_read_it(forget, source, monkeypatch):
    found = loaded(source)
    assert found.library.seven() == 7
    [file] = kept()
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(builds()) == [file.stem]
    assert "-O3" in builds()[file.stem]
    forget()
    monkeypatch.setattr(libraries, "_compile", lambda *_: pytest.fail("compiled again"))
    assert loaded(source).key == found.key


@pytest.mark.parametrize("damage", ["cut", "changed", "emptied"])
def test_a_damaged_library_is_built_again(forget, source, damage):
    built(source)
    [file] = kept()
    whole = file.read_bytes()
    changed = whole[:3000] + bytes([whole[3000] ^ 1]) + whole[3001:]
    file.unlink()  # the old file is still mapped
    file.write_bytes({"cut": whole[: len(whole) // 2], "changed": changed, "emptied": b""}[damage])
    assert read_sealed(file) is None
    forget()
    assert loaded(source).library.seven() == 7
    assert kept() == [file]
    assert read_sealed(file) is not None


def test_a_library_that_others_could_have_written_is_built_again(forget, source):
    built(source)
    [file] = kept()
    file.chmod(0o666)
    forget()
    assert loaded(source).library.seven() == 7
    assert file.stat().st_mode & 0o777 == 0o644


def test_in_a_folder_that_others_may_write_to_nothing_is_loaded_or_left(forget, source):
    built(source)
    [file] = kept()
    file.parent.chmod(0o777)
    before = file.stat()
    forget()
    with pytest.warns(UserWarning, match="others may write"):
        assert loaded(source).library.seven() == 7
    assert kept() == [file]
    assert file.stat().st_mtime_ns == before.st_mtime_ns


def test_a_failure_is_no_answer(forget, source, tmp_path, monkeypatch):
    """What fails once, for want of memory, say, is neither kept nor built without the processor's
    instructions."""
    good = loaded(source).key
    [file] = kept()
    file.unlink()
    forget()
    failing = compiler(tmp_path, "echo 'error: out of memory' >&2; exit 1")
    monkeypatch.setenv("CXX", failing)
    assert "error: out of memory" in str(built(source))
    assert kept() == []
    monkeypatch.delenv("CXX")
    forget()
    assert loaded(source).key == good


@pytest.mark.parametrize(
    "script",
    [
        "exit 0",
        'while [ "$1" != -o ]; do shift; done; : > "$2"',
        'while [ "$1" != -o ]; do shift; done; echo "int other() { return 1; }" '
        f'| {real()} -shared -fPIC -x c++ - -o "$2"',
        r"printf '\377\376 error: \200' >&2; exit 1",
        "kill -9 $$",
    ],
    ids=["nothing", "an empty library", "another library", "not UTF-8", "killed"],
)
def test_a_compiler_that_misbehaves_is_a_reason_and_leaves_nothing(
    forget, source, tmp_path, monkeypatch, script
):
    monkeypatch.setenv("CXX", compiler(tmp_path, script))
    assert isinstance(built(source), Reason)
    assert kept() == []


ENDED = "g++: fatal error: Terminated signal terminated program cc1plus"


@pytest.mark.parametrize("when", ["it reads the flag", "it compiles"])
@pytest.mark.parametrize("how", ["kill -15 $$", f"echo '{ENDED}' >&2; exit 1"])
def test_a_compiler_that_the_system_ended_is_tried_again(
    forget, source, tmp_path, monkeypatch, when, how
):
    """A cluster that takes a job back ends its compilers too, a moment before the job itself. Code
    without the processor's instructions, or none, would give other numbers."""
    loaded(source)
    assert "-march=native" in next(iter(builds().values()))
    forget()
    kept()[0].unlink()
    probes = "*-fsyntax-only*" if when == "it reads the flag" else "*-shared*"
    file = tmp_path / "c++"
    file.write_text(
        f'#!/bin/sh\ncase "$*" in {probes}) [ -e {tmp_path}/once ] || '
        f'{{ : > {tmp_path}/once; {how}; }};; esac\nexec {real()} "$@"\n'
    )
    file.chmod(0o755)
    monkeypatch.setattr(libraries, "_builds", {})
    monkeypatch.setenv("CXX", str(file))
    assert loaded(source).library.seven() == 7
    assert (tmp_path / "once").exists()
    assert "-march=native" in next(iter(builds().values()))
    assert "seven" not in libraries.failures()


def test_what_could_not_be_had_is_known(forget, source, tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", compiler(tmp_path, "echo 'error: no licence' >&2; exit 1"))
    reason = built(source)
    assert libraries.failures() == {"seven": str(reason)}
    assert "no licence" in str(reason)


def test_other_flags_of_the_machine_have_other_keys(forget, source, monkeypatch):
    with_flag = loaded(source)
    forget()
    monkeypatch.setattr(libraries, "THIS_MACHINE", ("-march=no-such-processor",))
    without = loaded(source)
    assert without.library.seven() == 7
    assert without.key != with_flag.key
    assert len(kept()) == 2


def test_processes_may_build_the_same_library_at_once(forget, source, tmp_path):
    code = (
        "from pathlib import Path\n"
        "from accumbens.compiled.libraries import Source, built\n"
        f"assert built(Source('seven', (Path({str(source.files[0])!r}),), ('seven',))).key"
    )
    start = partial(subprocess.Popen, [sys.executable, "-c", code], env=dict(os.environ))
    assert [process.wait(300) for process in [start(), start()]] == [0, 0]
    [file] = kept()
    assert read_sealed(file) is not None
