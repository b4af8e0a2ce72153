"""A running fit is shown by a page that only this machine can ask."""

import http.client
import json
import shutil
import threading

import numpy as np
import pytest

from accumbens.errors import ConfigError
from accumbens.fit.unfinished import write_arrays
from accumbens.report.watching import MOST_POINTS, progress_of, server_of


@pytest.fixture
def under_way(run, tmp_path):
    """The run as it was before its end, with a checkpoint."""
    folder = shutil.copytree(run.folder.path, tmp_path / "run")
    (folder / "metrics.json").unlink()
    losses = np.linspace(1, 0.5, 1000).astype(np.float32)
    arrays = {
        "history/choice/loss": losses, "history/choice/penalty_latent": 0 * losses,
        "model/.core.bottleneck.log_sigma": np.log(np.array([0.02, 3.0], np.float32)),
    }  # fmt: skip
    (folder / "checkpoints").mkdir(exist_ok=True)
    write_arrays(folder / "checkpoints" / "disrnn-0.safetensors", arrays, {"identity": "x"})
    (folder / "checkpoints" / "damaged.safetensors").write_bytes(b"x")
    return folder


def test_a_checkpoint_tells_losses_and_latents(under_way, run):
    state = progress_of(under_way)
    assert (state["kind"], state["finished"], list(state["fits"])) == ("fit", False, ["disrnn-0"])
    points = state["fits"]["disrnn-0"]["losses"]["choice"]["loss"]
    assert (points[0], points[-1], len(points)) == ([1, 1.0], [1000, 0.5], MOST_POINTS)
    assert state["fits"]["disrnn-0"]["latents"] == pytest.approx([0.0201, 1.0], abs=1e-6)
    assert progress_of(run.folder.path)["finished"]


def test_the_page_follows_it_and_nobody_else_is_answered(under_way, browser):
    with server_of(under_way) as server:
        assert server.server_address[0] == "127.0.0.1"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page, said = browser.new_page(), []
        page.on("console", lambda m: said.append(m.text))
        page.on("pageerror", lambda e: said.append(str(e)))
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.wait_for_selector("#watched svg")
        text = page.locator("#watched").inner_text()
        assert "Under way." in text
        assert "0.02, 1.00" in text
        assert page.locator("#watched svg").count() == 1  # of the term that is not 0
        assert said == []
        page.close()
        for host, path, status in (
            ("localhost", "/state.json", 200), ("evil.example", "/state.json", 404),
            ("localhost", "/config.toml", 404),
        ):  # fmt: skip
            asked = http.client.HTTPConnection("127.0.0.1", server.server_port)
            asked.request("GET", path, headers={"Host": host})
            answer = asked.getresponse()
            assert answer.status == status
            if status == 200:
                assert json.loads(answer.read())["finished"] is False
            asked.close()
        with pytest.raises(ConfigError, match="cannot be used"):
            server_of(under_way, server.server_port)
        server.shutdown()
