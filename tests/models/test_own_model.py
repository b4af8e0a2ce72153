"""The guide's model of a user's own: twenty lines, and it does all that the others do."""

import re
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "models.md"


def test_the_example_of_the_guide_runs_and_finds_its_parameters():
    code = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)[-1]
    own = code[code.index("class WinStay") : code.index("agent = ")]
    assert len([line for line in own.splitlines() if line.strip()]) <= 20
    made = {}
    exec(compile(code, str(GUIDE), "exec"), made)
    found = made["fits"]["WinStay"]
    for name, truth in {"stay": 2.0, "shift": 1.0}.items():
        estimate = found.parameters[name]
        assert abs(estimate.estimate - truth) < 4 * estimate.standard_error < 1.0
    better = made["comparison"].differences["WinStay"].log_likelihood
    assert better.low > 0
