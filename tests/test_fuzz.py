"""A small part of the fuzzing campaign (`make fuzz`): nothing escapes but errors of ours."""

import random

import pytest

from accumbens.cli import main
from helpers.fuzz import batch, campaign
from helpers.fuzz.damage import WAYS, damaged

SHARE = {"tables": 25, "spikes": 10, "traces": 10, "models": 20, "options": 20, "words": 100}
"""Inputs of each kind here; recordings have tests of their own, and results are made by fits."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    campaign.make_whole(folder, tuple(SHARE))
    return folder


@pytest.mark.parametrize("kind", SHARE)
def test_nothing_escapes(kind, whole):
    found = campaign.run(whole, kind, seed=1, n=SHARE[kind])
    assert found.escaped == []
    assert found.ends.total() == SHARE[kind]
    assert found.most < batch.MOST_BYTES


def test_what_escapes_crashes_or_hangs_is_found(tmp_path, monkeypatch):
    """The campaign itself, with a reader that fails in three ways."""
    code = """
import itertools, os, pathlib, sys
from helpers.fuzz import batch, words
batch.CPU_SECONDS = 0.2
numbers = itertools.count(int(sys.argv[6]))
words.odd_command = lambda rng: ("fit", [next(numbers)])
def read(name, words):
    i = words[0]
    if i == 1: raise KeyError("escaped")
    if i == 3: os._exit(9)
    while i == 5: pass
    return "r"
words.read_command = read
batch.main(pathlib.Path(sys.argv[3]), sys.argv[4], *map(int, sys.argv[5:]))
"""
    real = campaign.subprocess.run

    def run(command, **rest):
        return real([command[0], "-c", code, *command[1:]], **rest)

    monkeypatch.setattr(campaign.subprocess, "run", run)
    found = campaign.run(tmp_path, "words", seed=1, n=8)
    assert [number for number, _ in found.escaped] == [1, 3, 5]
    said = [what for _, what in found.escaped]
    assert "KeyError: 'escaped'" in said[0]
    assert said[1].startswith("the process ended, code 9")
    assert "HangsError" in said[2]
    assert found.ends == {"r": 5}


def test_every_way_of_damage_is_drawn_and_changes_something():
    rng, content = random.Random(0), b"subject,choice\nm1,0\nm2,1\n" * 20
    for way in WAYS:
        assert any(way(content, rng) != content for _ in range(20))
        assert isinstance(way(b"", rng), bytes)
    assert len({damaged(content, rng) for _ in range(30)}) > 20


def test_a_result_with_other_columns_is_damaged(tmp_path, capsys):
    (tmp_path / "power.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SystemExit):
        main(["show", str(tmp_path)])
    said = capsys.readouterr().err
    assert "is damaged: it does not hold what accumbens power writes (" in said
