"""SLURM jobs, submitted by submitit in arrays. Files and `squeue` tell how they fare, not `sacct`,
which clusters without accounting lack."""

from __future__ import annotations

import contextlib
import logging
import shlex
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from ....cores import BLAS, limit_threads
from ....errors import ConfigError
from ....extras import from_extra
from ..config import SlurmConfig
from .processes import ProcessEnded, package_root

SECONDS_TO_GATHER = 0.3
SECONDS_BETWEEN_LOOKS = 2.0
LOOKS_WITHOUT = 4
"""A job that is neither queued nor has a result at so many looks in turn has been ended."""
SECONDS_FOR_SQUEUE = 30


class Resumed:
    """A call that a job makes, and makes again from the beginning where SLURM queues it again.

    Args:
        work: resumes by itself what it was doing.
    """

    def __init__(self, work: Callable[..., Any]) -> None:
        self.work = work

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        limit_threads()
        from ....compiled.programs import keep_programs

        keep_programs()
        return self.work(*args, **kwargs)

    def checkpoint(self, *args: Any, **kwargs: Any) -> Any:
        """What submitit queues again: the same call."""
        return from_extra("submitit.helpers", "slurm").DelayedSubmission(self, *args, **kwargs)


class SlurmJobs(Executor):
    """Calls functions in SLURM jobs; what is submitted within a moment becomes one array.

    Args:
        folder: for scripts, logs and results, on a disk that all nodes share.
        config: what each job asks for.

    Raises:
        ConfigError: submitit is not installed, this is no machine of a cluster, or SLURM knows no
            such option.
    """

    def __init__(self, folder: Path, config: SlurmConfig) -> None:
        self._submitit = from_extra("submitit", "slurm")
        logging.getLogger("submitit").setLevel(logging.CRITICAL)  # it would speak of sacct
        self._lock = threading.Lock()
        self._waiting: list[tuple[Future[Any], Any]] = []
        self._jobs: dict[Future[Any], Any] = {}
        self._absent: dict[Future[Any], int] = {}
        self._ending, self._cancelling = threading.Event(), False
        try:
            self._executor = self._submitit.SlurmExecutor(
                folder.resolve(), max_num_timeout=config.requeues
            )
            self._executor.update_parameters(**_parameters(config))
        except (RuntimeError, ValueError) as error:
            raise ConfigError(
                f"SLURM cannot be used here: {str(error).splitlines()[0]} Run the command on a "
                "machine of the cluster, and see --slurm.extra."
            ) from error
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Calls `fn`, which the nodes can import, in a job."""
        future: Future[Any] = Future()
        with self._lock:
            if self._ending.is_set():
                raise RuntimeError("the executor has been shut down")
            self._waiting.append((future, (fn, args, kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Waits for the jobs; cancels them, with `cancel_futures`."""
        with self._lock:
            self._cancelling |= cancel_futures
            self._ending.set()
        if wait or cancel_futures:
            self._thread.join()

    def _watch(self) -> None:
        """A thread's work, until there is no job left."""
        while True:
            ending = self._ending.wait(SECONDS_TO_GATHER)
            with self._lock:
                waiting, self._waiting = self._waiting, []
            if self._cancelling:
                self._cancel(waiting)
                return
            if waiting:
                self._begin(waiting)
            self._look()
            if ending and not self._jobs and not self._waiting:
                return
            if self._jobs:
                deadline = time.monotonic() + SECONDS_BETWEEN_LOOKS
                while time.monotonic() < deadline and not self._cancelling and not self._waiting:
                    time.sleep(0.1)

    def _begin(self, calls: list[tuple[Future[Any], Any]]) -> None:
        """Submits calls as one array; each future gets the error where SLURM refuses."""
        calls = [(future, call) for future, call in calls if future.set_running_or_notify_cancel()]
        try:
            with self._executor.batch():
                jobs = [
                    self._executor.submit(Resumed(fn), *args, **kwargs)
                    for _, (fn, args, kwargs) in calls
                ]
        except Exception as error:
            for future, _ in calls:
                future.set_exception(
                    ProcessEnded(f"SLURM refused the job: {str(error).strip()[-500:]}")
                )
            return
        self._jobs |= {future: job for (future, _), job in zip(calls, jobs, strict=True)}

    def _look(self) -> None:
        """Which jobs have ended."""
        left = [future for future, job in self._jobs.items() if not self._has_ended(future, job)]
        if not left:
            self._jobs = {}
            return
        queued = queued_jobs()
        for future in left:
            job = self._jobs[future]
            there = queued is None or job.job_id in queued
            self._absent[future] = 0 if there else self._absent.get(future, 0) + 1
            if self._absent[future] >= LOOKS_WITHOUT and not self._has_ended(future, job):
                future.set_exception(ProcessEnded(_obituary(job)))
        self._jobs = {future: self._jobs[future] for future in left if not future.done()}

    @staticmethod
    def _has_ended(future: Future[Any], job: Any) -> bool:
        """Whether a job has left its result, which its future is given."""
        path = job.paths.result_pickle
        if not path.exists():
            return False
        try:
            import cloudpickle  # pyright: ignore[reportMissingImports]

            kind, result = cloudpickle.loads(path.read_bytes())
        except Exception:  # half written; it is whole at the next look
            return False
        if kind == "success":
            future.set_result(result)
        else:
            future.set_exception(ProcessEnded(f"The job ended with {str(result).strip()[-500:]}"))
        return True

    def _cancel(self, waiting: list[tuple[Future[Any], Any]]) -> None:
        for future, _ in waiting:
            future.cancel()
        for future, job in self._jobs.items():
            with contextlib.suppress(Exception):
                job.cancel(check=False)
            if not future.done():
                future.set_exception(ProcessEnded("It was stopped; it can be resumed."))
        self._jobs = {}


def queued_jobs() -> set[str] | None:
    """Jobs of this user that SLURM has queued or runs; None where it does not answer."""
    try:
        done = subprocess.run(
            ["squeue", "--me", "-h", "-r", "-o", "%i"],
            capture_output=True, text=True, check=True, timeout=SECONDS_FOR_SQUEUE,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return set(done.stdout.split())


def _parameters(config: SlurmConfig) -> dict[str, Any]:
    """As submitit calls them."""
    exports = [f"export {name}=${{{name}:-1}}" for name in BLAS]
    exports.append(f"export PYTHONPATH={package_root()}${{PYTHONPATH:+:$PYTHONPATH}}")
    known = {
        "job_name": "accumbens", "partition": config.partition, "account": config.account,
        "time": config.minutes, "mem": f"{config.memory}GB", "cpus_per_task": config.cpus,
        "array_parallelism": config.at_once, "signal_delay_s": config.warning, "setup": exports,
        "stderr_to_stdout": True,
    }  # fmt: skip
    extra = dict(text.split("=", 1) for text in config.extra)
    known["srun_args"] = shlex.split(extra.pop("srun_args", "")) or None
    known["additional_parameters"] = extra
    return {name: value for name, value in known.items() if value not in (None, {})}


def _obituary(job: Any) -> str:
    """What is known of a job that ended without a result."""
    said = ""
    with contextlib.suppress(OSError):
        said = Path(job.paths.stdout).read_text(errors="replace").strip()[-300:]
    told = f" It said last: {said}" if said else ""
    return (
        f"SLURM ended the job {job.job_id} without a result: cancelled, out of memory, or its node "
        f"failed. Its log: {job.paths.stdout}.{told}"
    )
