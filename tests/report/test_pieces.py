"""Markup escapes, payloads keep numbers, and libraries are those that are named."""

import base64
import hashlib
import json
import re
import zlib
from pathlib import Path

import numpy as np
import pytest

import accumbens.report
from accumbens.errors import ConfigError
from accumbens.report.markdown import markdown
from accumbens.report.markup import Markup, named, tag
from accumbens.report.page import SCRIPTS, page
from accumbens.report.payload import Payload
from accumbens.report.sections.shared import Section
from accumbens.report.tables import interval, shown, table

HERE = Path(accumbens.report.__file__).parent


def test_what_is_no_markup_comes_out_as_text():
    nasty = "<b onclick='x'>\"&"
    safe = "&lt;b onclick=&#x27;x&#x27;&gt;&quot;&amp;"
    assert tag("p", nasty, ["a", Markup("<i>")], None, title=nasty, data_x=None) == (
        f'<p title="{safe}">{safe}a<i></p>'
    )
    assert named(nasty) == f"<bdi>{safe}</bdi>"
    assert safe in markdown(f"# {nasty}\n\n1. {nasty}\n2. b")
    assert "<ol>" in markdown("1. a")
    payload = Payload()
    assert safe in table(payload, "t", [nasty], [[nasty]], nasty)


def test_numbers_in_words():
    assert shown(1234) == "1,234"
    assert shown(-0.000123456, 3) == "−0.000123"
    assert shown(float("nan")) == shown(None) == "–"
    assert interval(0.5, 0.25, 0.75, spec=".2f") == "0.50 [0.25, 0.75]"
    assert interval(0.5, None, None, spec=".2f") == "0.50"


def test_a_payload_holds_the_very_numbers():
    payload, rng = Payload(), np.random.default_rng(0)
    arrays = [
        rng.normal(size=7).astype(np.float32), rng.normal(size=(2, 3)),
        rng.integers(-1, 2, 5).astype(np.int8), np.arange(3),
    ]  # fmt: skip
    refs = [payload.array(a) for a in arrays]
    payload.header["name"] = "</script>"
    raw = zlib.decompress(base64.b64decode(payload.packed()))
    size = int.from_bytes(raw[:4], "little")
    assert json.loads(raw[4 : 4 + size])["name"] == "</script>"
    assert (4 + size) % 8 == 0
    for array, ref in zip(arrays, refs, strict=True):
        start = 4 + size + ref["at"]
        found = np.frombuffer(raw, ref["kind"], ref["n"], start).reshape(ref["shape"])
        np.testing.assert_array_equal(found, array)
        assert start % 8 == 0


def test_the_policy_names_every_script_and_no_other():
    made = page("T", "t", [Section("s", "S", tag("p", "x"))], Payload())
    scripts = re.findall(r"<script>(.*?)</script>", made, re.DOTALL)
    digests = {base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts}
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', made)[1]
    assert set(re.findall(r"sha256-([\w+/=]+)", policy)) == digests
    assert len(scripts) == len(SCRIPTS)
    assert "default-src &#x27;none&#x27;" in policy
    assert "unsafe-inline" not in policy.split("style-src")[0]


def test_bundled_libraries_are_those_that_the_readme_names():
    rows = re.findall(
        r"\| `(\S+)` \| (\S+) (\S+) \| (\w+) \| `(\w+)` \|",
        (HERE / "bundled/README.md").read_text(),
    )
    assert {row[0] for row in rows} == {p.name for p in (HERE / "bundled").glob("*.js")}
    for file, package, version, _, digest in rows:
        content = (HERE / "bundled" / file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
        assert f"v{version} Copyright".encode() in content[:200]
        licence = HERE / "bundled" / f"{package.rpartition('/')[2]}.LICENSE.txt"
        assert "Permission to use, copy, modify" in licence.read_text()


def test_scripts_fit_a_screen_or_three():
    long = [p.name for p in (HERE / "scripts").iterdir()
            if p.is_file() and len(p.read_text().splitlines()) > 400]  # fmt: skip
    assert long == []


def test_other_things_have_no_report(tmp_path):
    (tmp_path / "power.csv").write_text("weight,mice,sessions,test,power,low,high\n")
    with pytest.raises(ConfigError, match="of the kind power, of which there is no report"):
        accumbens.report.Report(tmp_path)
    with pytest.raises(ConfigError, match="this is a dict"):
        accumbens.report.Report({})
