"""A real SLURM of two nodes on this machine, in a folder of its own, from Debian's packages.

Its daemons are children of this process, and end with it, however it ends (Linux's death signal).
"""

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
CONFIG = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={d}/run/munge.sock,cred_expire=6
CredType=cred/munge
StateSaveLocation={d}/state
SlurmdSpoolDir={d}/spool-%n
SlurmctldPidFile={d}/run/slurmctld.pid
SlurmdPidFile={d}/run/slurmd-%n.pid
SlurmctldLogFile={d}/log/slurmctld.log
SlurmdLogFile={d}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0,batch_sched_delay=0
SlurmctldParameters=preempt_send_user_signal
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MpiDefault=none
ReturnToService=2
KillWait=3
SlurmctldTimeout=30
SlurmdTimeout=5
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 RealMemory=4000 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=3 DefMemPerCPU=500
PartitionName=high Nodes=n1,n2 MaxTime=INFINITE State=UP PriorityTier=10 DefMemPerCPU=500
"""  # noqa: E501
PR_SET_PDEATHSIG = 1


def missing_programs() -> list[str]:
    """Programs of SLURM that are not installed here."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@contextlib.contextmanager
def slurm_cluster(folder):
    """Starts the cluster in a folder, and ends it. Yields a function that ends a node's daemon, by
    the node's name; SLURM_CONF is set while the context lasts."""
    folder.chmod(0o755)  # munge's socket is for everybody
    for name in ("munge", "run", "state", "log", "spool-n1", "spool-n2"):
        (folder / name).mkdir(parents=True)
    (folder / "munge").chmod(0o700)
    key = folder / "munge" / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    host = socket.gethostname().partition(".")[0]
    config = folder / "slurm.conf"
    config.write_text(CONFIG.format(host=host, d=folder, ports=free_ports(3)))
    before, daemons = os.environ.get("SLURM_CONF"), {}
    os.environ["SLURM_CONF"] = str(config)
    try:
        socket_of_munge = folder / "run" / "munge.sock"
        daemons["munged"] = start(
            "munged", "--foreground", f"--key-file={key}", f"--socket={socket_of_munge}",
            f"--pid-file={folder}/run/munged.pid", f"--log-file={folder}/munge/munged.log",
            f"--seed-file={folder}/munge/munged.seed", "--num-threads=2",
        )  # fmt: skip
        wait_until(socket_of_munge.exists, "munged")
        daemons["slurmctld"] = start("slurmctld", "-D", "-f", str(config))
        for node in ("n1", "n2"):
            daemons[node] = start("slurmd", "-D", "-N", node, "-f", str(config))
        wait_until(
            lambda: said("sinfo", "-h", "-N", "-p", "main", "-o", "%t") == "idle idle", "nodes"
        )
        yield lambda node: end(daemons[node])
    finally:
        said("scancel", "--user=root")
        for process in reversed(daemons.values()):
            end(process)
        end_steps(folder)
        if before is None:
            del os.environ["SLURM_CONF"]
        else:
            os.environ["SLURM_CONF"] = before


def start(*words):
    """A daemon that ends with this process."""
    path = shutil.which(words[0])
    return subprocess.Popen([path, *words[1:]], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, preexec_fn=_die_with_parent)  # fmt: skip


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end(process):
    """Ends a process, and sees to it that it has ended."""
    process.terminate()
    try:
        process.wait(3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end_steps(folder):
    """Ends what daemons that are gone have left running: processes that know of this cluster."""
    ours = f"SLURM_CONF={folder}/slurm.conf".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if ours in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)


def said(*words):
    """The words that a client of SLURM prints."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    return " ".join(done.stdout.split())


def wait_until(happens, what, seconds=40):
    """Waits; an error says for what in vain."""
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.1)


def free_ports(n):
    """Ports of this machine that nobody uses now."""
    sockets = [socket.socket() for _ in range(n)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
