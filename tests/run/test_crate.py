"""A run as an RO-Crate: the MUSTs of RO-Crate 1.1 and Process Run Crate 0.5, and every file as it
was, whatever it is called."""

import datetime
import json
import shutil
import zipfile
from pathlib import Path
from urllib.parse import unquote

import pytest

from accumbens.cli import main
from accumbens.errors import ConfigError, DataError
from accumbens.run import CrateDescription, write_crate

OLD = Path(__file__).parents[1] / "fixtures" / "run_0_1_0"
MADE = {"command": "accumbens fit 'my trials.csv'", "begun": "2026-03-01T10:00:00+01:00",
        "seconds": 90.5, "machine": "lab"}  # fmt: skip
ACTIONS = {"CreateAction", "ActivateAction", "UpdateAction"}


def listed(value):
    return value if isinstance(value, list) else [] if value is None else [value]


def checked(metadata, names):
    """The entities by identifier, after all MUSTs. names: of the files beside the metadata."""
    context = listed(metadata["@context"])
    assert "https://w3id.org/ro/crate/1.1/context" in context
    graph = {entity["@id"]: entity for entity in metadata["@graph"]}
    assert len(graph) == len(metadata["@graph"])
    assert all(entity["@type"] for entity in graph.values())
    descriptor = graph["ro-crate-metadata.json"]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert descriptor["about"] == {"@id": "./"}
    root = graph["./"]
    assert root["@type"] == "Dataset"
    assert root["conformsTo"] == {"@id": "https://w3id.org/ro/wfrun/process/0.5"}
    assert graph["https://w3id.org/ro/wfrun/process/0.5"]["@type"] == "CreativeWork"
    assert root["name"]
    assert root["description"]
    assert root["license"]
    datetime.date.fromisoformat(root["datePublished"])
    files = {key for key, entity in graph.items() if entity["@type"] == "File"}
    assert {part["@id"] for part in listed(root["hasPart"])} == files
    assert {unquote(key) for key in files} == names
    assert all(set(key) <= set(ALLOWED) for key in files)  # relative URIs, encoded
    actions = [entity for entity in graph.values() if entity["@type"] in ACTIONS]
    assert actions
    mentioned = {each["@id"] for each in listed(root["mentions"])}
    for action in actions:
        assert action["@id"] in mentioned
        assert graph[action["instrument"]["@id"]]["@type"] == "SoftwareApplication"
        for key in ("object", "result", "agent"):
            assert all(each["@id"] in graph for each in listed(action.get(key)))
    return graph


ALLOWED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/%"


def contents(folder):
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in Path(folder).rglob("*")
             if p.is_file()}  # fmt: skip
    return json.loads(found.pop("ro-crate-metadata.json")), found


@pytest.fixture
def run(tmp_path):
    shutil.copytree(OLD, tmp_path / "my run")
    (tmp_path / "my run" / "made.json").write_text(json.dumps([MADE, MADE | {"seconds": 1}]))
    return tmp_path / "my run"


def test_a_folder_and_an_archive_hold_the_files_and_what_made_them(run, tmp_path):
    about = CrateDescription(
        name="A fit", author=("Ada Lovelace https://orcid.org/0000-0002-1825-0097", "Mary S."),
        license="https://spdx.org/licenses/CC-BY-4.0",
    )  # fmt: skip
    metadata, files = contents(write_crate(run, tmp_path / "a crate", about))
    assert files == {p.relative_to(run).as_posix(): p.read_bytes() for p in run.rglob("*")
                     if p.is_file()}  # fmt: skip
    graph = checked(metadata, set(files))
    first, last = graph["#run-1"], graph["#run-2"]
    assert first["startTime"] == "2026-03-01T10:00:00+01:00"
    assert first["endTime"] == "2026-03-01T10:01:30+01:00"
    assert "accumbens fit 'my trials.csv'" in last["description"]
    assert {"@id": "metrics.json"} in last["result"]
    assert {"@id": "config.toml"} in last["object"]
    assert graph["https://pypi.org/project/accumbens/0.1.0/"]["softwareVersion"] == "0.1.0"
    assert graph["#table"]["name"] == "trials.csv"
    assert graph["#table"]["identifier"].startswith("1da1d122")
    assert graph["https://orcid.org/0000-0002-1825-0097"]["name"] == "Ada Lovelace"
    assert graph["./"]["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}
    archive = write_crate(run, tmp_path / "crate.zip", about)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "opened")
    again, unpacked = contents(tmp_path / "opened")
    assert unpacked == files
    assert again == metadata


def test_a_run_of_0_1_0_has_no_time_and_says_so(tmp_path):
    metadata, files = contents(write_crate(OLD, tmp_path / "old"))
    graph = checked(metadata, set(files))
    assert "endTime" not in graph["#run-1"]
    assert "version 0.1.0 did not write it down" in graph["#run-1"]["description"]
    assert graph["./"]["name"] == "accumbens fit of trials.csv"


def test_hostile_names_are_encoded_and_what_is_no_file_of_the_run_stays(run, tmp_path):
    odd = 'figures/a b#c?%41&"é\\.csv'
    (run / "figures").mkdir()
    (run / odd).write_text("x")
    (tmp_path / "secret").write_text("secret")
    (run / "link.txt").symlink_to(tmp_path / "secret")
    (run / "linked").symlink_to(tmp_path)
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "step").write_text("x")
    (run / ".accumbens.lock").touch()
    (run / "made.json").write_text('[{"begun": "never", "seconds": 1}, {"begun": 3}]')
    metadata, files = contents(write_crate(run, tmp_path / "crate"))
    assert files[odd] == b"x"
    assert not {"link.txt", "checkpoints/step", ".accumbens.lock"} & set(files)
    assert not any(b"secret" in content for content in files.values())
    checked(metadata, set(files))
    (run / "bad\udcff.txt").write_text("x")
    with pytest.raises(DataError, match="is no text, so that a crate cannot name it"):
        write_crate(run, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_what_is_no_finished_run_and_what_is_there_already_is_refused(run, tmp_path, capsys):
    main(["crate", str(run), "--out", str(tmp_path / "c.zip"), "--license", "CC0"])
    assert str(tmp_path / "c.zip") in capsys.readouterr().out
    with pytest.raises(ConfigError, match=r"c\.zip is there already"):
        write_crate(run, tmp_path / "c.zip")
    with pytest.raises(ConfigError, match="which is read"):
        write_crate(run, run / "crate")
    with pytest.raises(ConfigError, match="license is empty"):
        CrateDescription(license=" ")
    (run / "metrics.json").unlink()
    with pytest.raises(DataError, match="is not finished"):
        write_crate(run, tmp_path / "unfinished")
    with pytest.raises(DataError, match="is not a run folder"):
        write_crate(tmp_path, tmp_path / "nothing")
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "sweep.json").write_text("{}")
    with pytest.raises(ConfigError, match="the cells of a sweep are run folders"):
        write_crate(tmp_path / "sweep", tmp_path / "nothing")
