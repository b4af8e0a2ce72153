"""Programs that JAX keeps between processes: used again, damaged, foreign, too many."""

import json
import os
import subprocess
import sys

import pytest

from accumbens.compiled.place import read_sealed, sealed
from accumbens.compiled.programs import Programs, remove_oldest

SCRIPT = """
import json, sys, warnings
warnings.simplefilter("error")
import jax, jax.numpy as jnp
from accumbens.compiled.programs import keep_programs
seen = []
jax.monitoring.register_event_listener(lambda name, **_: seen.append(name))
reason = keep_programs()
value = jax.jit(lambda x: jnp.tanh(x @ x.T).sum())(jnp.arange(12.0).reshape(3, 4) / 7)
print(json.dumps({"reason": reason, "value": float(value).hex(),
                  "hits": seen.count("/jax/compilation_cache/cache_hits")}))
"""


def process(folder, **environment):
    """A process that compiles a program; what it says."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder), **environment}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A cache that a first process has filled, and what that process said."""
    folder = tmp_path_factory.mktemp("cache")
    folder.chmod(0o755)
    return folder, process(folder)


def programs(folder):
    return sorted(p for p in (folder / "accumbens" / "programs").rglob("*") if p.is_file())


def test_a_second_process_takes_what_the_first_has_compiled(filled):
    folder, first = filled
    assert first["reason"] is None
    assert first["hits"] == 0
    before = programs(folder)
    assert before
    second = process(folder)
    assert second["hits"] >= 1
    assert second["value"] == first["value"]
    assert programs(folder) == before


def test_damaged_and_foreign_programs_are_compiled_again(filled):
    folder, first = filled
    whole = {file: file.read_bytes() for file in programs(folder)}
    for file, content in whole.items():
        file.write_bytes(content[:40] + bytes([content[40] ^ 4]) + content[41:])
    damaged = process(folder)
    assert (damaged["hits"], damaged["value"]) == (0, first["value"])
    assert all(read_sealed(file) is not None for file in whole), "and kept in their place"
    for file in programs(folder):
        file.chmod(0o666)
    assert process(folder)["hits"] == 0


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("JAX_ENABLE_COMPILATION_CACHE", "false", "JAX_ENABLE_COMPILATION_CACHE is false"),
        ("JAX_COMPILATION_CACHE_DIR", "{}/theirs", "JAX keeps programs in"),
    ],
)
def test_settings_of_jax_come_first(tmp_path, variable, value, reason):
    said = process(tmp_path, **{variable: value.format(tmp_path)})
    assert reason in said["reason"]
    assert not (tmp_path / "accumbens").exists()


def test_any_change_of_a_program_is_noticed(tmp_path):
    ours = Programs(tmp_path / "ours")
    assert ours.get("a") is None
    program = bytes(range(100))
    ours.put("a", program)
    file = tmp_path / "ours" / "a"
    whole = file.read_bytes()
    for i in range(len(whole)):
        file.write_bytes(whole[:i] + bytes([whole[i] ^ (1 << i % 8)]) + whole[i + 1 :])
        assert ours.get("a") is None
        file.write_bytes(whole[:i])
        assert ours.get("a") is None
    ours.put("a", program)
    assert ours.get("a") == program


def test_what_is_no_file_or_another_programs_is_not_taken_and_replaced(tmp_path):
    ours = Programs(tmp_path / "ours")
    ours.put("other", bytes(50))
    other = ours.folder / "other"
    ways = {
        "pipe": os.mkfifo,
        "folder": lambda file: (file / "within").mkdir(parents=True),
        "link to nowhere": lambda file: file.symlink_to(tmp_path / "nowhere"),
        "link to itself": lambda file: file.symlink_to(file),
        "link to another program": lambda file: file.symlink_to(other),
        "copy of another program": lambda file: file.write_bytes(other.read_bytes()),
        "empty": lambda file: file.write_bytes(b""),
        "checksum alone": lambda file: file.write_bytes(other.read_bytes()[-32:]),
        "others may write": lambda file: (file.write_bytes(sealed("a", b"x")), file.chmod(0o666)),
    }
    for way, make in ways.items():
        make(ours.folder / "a")
        assert ours.get("a") is None, way
        ours.put("a", b"program")
        assert ours.get("a") == b"program", way
        (ours.folder / "a").unlink()
    assert ours.get("other") == bytes(50)


def test_those_used_longest_ago_go_first(tmp_path):
    """Whichever processor they were made for."""
    ours, others = Programs(tmp_path / "ours"), Programs(tmp_path / "others")
    for i in range(4):
        kept = ours if i % 2 == 0 else others
        kept.put(str(i), bytes(1000))
        os.utime(kept.folder / str(i), (i, i))
    assert ours.get("0") is not None, "used again now"
    remove_oldest(tmp_path, 2200)
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == ["0", "3"]


def test_a_disk_that_refuses_costs_nothing_but_time(tmp_path):
    (tmp_path / "file").touch()
    ours = Programs(tmp_path / "file")
    ours.put("a", b"program")
    assert ours.get("a") is None
    remove_oldest(tmp_path / "file")
