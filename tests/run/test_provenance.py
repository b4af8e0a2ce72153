"""A result knows when, where, by which command and how long it was made."""

import datetime
import json
import sys

import pytest

from accumbens.run.provenance import MADE, made_in_words, read_made, work_noted


def test_work_is_noted_once_it_has_ended_well(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/accumbens", "fit", "a table.csv"])
    before = datetime.datetime.now().astimezone().replace(microsecond=0)
    with pytest.raises(RuntimeError), work_noted(tmp_path):
        raise RuntimeError
    assert read_made(tmp_path) == []
    with work_noted(tmp_path):
        assert read_made(tmp_path) == []
    monkeypatch.setattr(sys, "argv", ["python", "own.py"])
    with work_noted(tmp_path):
        pass
    first, second = read_made(tmp_path)
    assert first["command"] == "accumbens fit 'a table.csv'"
    assert second["command"] is None
    assert before <= datetime.datetime.fromisoformat(first["begun"])
    assert first["seconds"] < 60


def test_what_was_noted_in_words():
    entry = {"command": "accumbens demo", "begun": "2026-11-28T09:00:00+00:00", "machine": "lab"}
    said = [made_in_words(entry | {"seconds": s}) for s in (3.2, 600, 7200)]
    assert said[0] == ("Made on 2026-11-28 09:00:00+00:00, on lab, in 3 s, by accumbens demo")
    assert [text.split(", ")[2] for text in said] == ["in 3 s", "in 10 min", "in 2.0 h"]
    assert made_in_words({}).endswith("in Python")


@pytest.mark.parametrize("text", ["", "{", "{}", "[1]"])
def test_a_damaged_note_is_no_reason_to_fail(text, tmp_path):
    (tmp_path / MADE).write_text(text)
    assert read_made(tmp_path) == []
    with work_noted(tmp_path):
        pass
    assert len(json.loads((tmp_path / MADE).read_text())) == 1
