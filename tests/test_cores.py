"""How many threads a process takes, and who says so."""

import json
import os
import subprocess
import sys

import pytest
from threadpoolctl import threadpool_info

from accumbens import cores as module
from accumbens.cores import cores, one_thread_for_linear_algebra


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine of 16 cores; call it to say what else holds."""
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    files = [tmp_path / name for name in ("max", "quota", "period")]
    monkeypatch.setattr(module, "QUOTAS", ((files[0], None), (files[1], files[2])))
    for name in (module.SLURM, module.OURS):
        monkeypatch.delenv(name, raising=False)

    def machine(slurm=None, ours=None, affinity=16, **quotas):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(affinity)), raising=False)
        for name, value in ((module.SLURM, slurm), (module.OURS, ours)):
            if value is not None:
                monkeypatch.setenv(name, value)
        for name, text in quotas.items():
            (tmp_path / name).write_text(text)
        return cores()

    return machine


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, 16),
        ({"affinity": 3}, 3),
        ({"slurm": "4"}, 4),
        ({"slurm": "64"}, 16),
        ({"slurm": "many"}, 16),
        ({"ours": "2", "slurm": "4"}, 2),
        ({"ours": "0"}, 1),
        ({"max": "250000 100000\n"}, 3),
        ({"max": "max 100000\n"}, 16),
        ({"quota": "200000\n", "period": "100000\n"}, 2),
        ({"quota": "-1\n", "period": "100000\n"}, 16),
        ({"max": "nonsense"}, 16),
    ],
)
def test_the_least_that_anyone_grants(machine, said, expected):
    assert machine(**said) == expected


SCRIPT = """
import json, os
from accumbens.cores import cores, limit_threads
limit_threads({threads})
import numpy, scipy.linalg
from threadpoolctl import threadpool_info
blas = {{pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}}
print(json.dumps([cores(), sorted(blas), os.environ["NPROC"]]))
"""


@pytest.mark.parametrize(("threads", "user", "expected"), [
    (1, {}, [1, [1], "1"]),
    (1, {"OPENBLAS_NUM_THREADS": "2", "NPROC": "5"}, [1, [2], "5"]),
])  # fmt: skip
def test_a_new_process_takes_no_more_than_it_may(threads, user, expected):
    environment = {k: v for k, v in os.environ.items() if k not in module.BLAS} | user
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(threads=threads)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    if (os.cpu_count() or 1) < 2:
        expected[1] = [1]
    assert found == expected


def test_linear_algebra_gets_its_threads_back():
    def threads():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = threads()
    with one_thread_for_linear_algebra():
        assert set(threads()) == {1}
    assert threads() == before
