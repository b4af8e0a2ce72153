"""An analysis that was stopped while it wrote is done again; what is finished stays as it is."""

import pandas as pd
import pytest

from accumbens.errors import ConfigError
from accumbens.files import folder_for_results
from accumbens.io.format import SourceFormat
from accumbens.io.tables.files import read_table
from accumbens.run.convert.config import ConvertConfig
from accumbens.run.convert.conversion import check_out, convert_files, write_converted
from accumbens.run.convert.record import record_path
from accumbens.run.kinds import refuse_used


@pytest.mark.parametrize("kind", ["credit", "selectivity", "predict"])
def test_what_a_stopped_analysis_left_is_no_result(kind, tmp_path):
    refuse_used(tmp_path, kind)
    (tmp_path / "config.toml").write_text(f"[about]\nkind = '{kind}'\n")
    refuse_used(tmp_path, kind)  # stopped before its last file
    with pytest.raises(ConfigError, match=r"already holds a run\. Choose another folder"):
        refuse_used(tmp_path, "credit" if kind != "credit" else "predict")
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(ConfigError, match="already holds a run"):
        refuse_used(tmp_path, kind)


def test_an_unfinished_fit_is_not_written_over(tmp_path):
    (tmp_path / "config.toml").write_text("seed = 1\n")
    with pytest.raises(ConfigError, match="already holds a run"):
        refuse_used(tmp_path, "credit")


def test_what_a_killed_process_had_half_written_goes_with_the_next_claim(tmp_path):
    half = tmp_path / "figures" / ".accumbens-999999999-0.tmp"
    half.parent.mkdir()
    half.write_text("half")
    with folder_for_results(tmp_path):
        assert not half.exists()
    assert half.parent.is_dir()


def test_a_conversion_that_stopped_before_its_table_can_be_done_again(tmp_path, monkeypatch):
    source, out = tmp_path / "a.csv", tmp_path / "out.csv"
    pd.DataFrame({"session": 1, "choice": [0, 1], "reward": [1, 0]}).to_csv(source, index=False)
    config = ConvertConfig(SourceFormat())
    converted = convert_files([source], config)

    def stop(path, content):
        if path == out:
            raise KeyboardInterrupt
        path.write_bytes(content)

    with monkeypatch.context() as patch:
        patch.setattr("accumbens.run.convert.conversion.write_atomically", stop)
        with pytest.raises(KeyboardInterrupt):
            write_converted(converted, out)
    assert record_path(out).exists()
    assert not out.exists()
    for _ in range(2):  # then once more, over the unchanged table
        check_out([source], config, out, replace=False)
        write_converted(converted, out)
    assert read_table(out)["reward"].tolist() == [1.0, 0.0]
