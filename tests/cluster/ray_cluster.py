"""A Ray cluster of several nodes on this machine, for the tests of one module."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.markdown import ROOT

MEMORY = 100 * 2**20  # bytes of a node's object store
QUIET = {
    "RAY_DEDUP_LOGS": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # Ray's own default starves workers on a busy machine
    "RAY_raylet_start_wait_time_s": "120",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


class Nodes:
    """The cluster: its address, its nodes, and the workers that run on it."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self.address: str = cluster.address

    def add(self, cpus: float = 2) -> Any:
        return self._cluster.add_node(num_cpus=cpus, object_store_memory=MEMORY)

    def remove(self, node: Any) -> None:
        """End a node at once, as a power cut does."""
        self._cluster.remove_node(node, allow_graceful=False)

    def workers(self) -> list[dict[str, Any]]:
        """Return the actors that are alive."""
        from ray._private.state import actors

        return [each for each in actors().values() if each["State"] in ("ALIVE", "PENDING_CREATION")]

    def has_worker(self, node: Any) -> bool:
        """Whether a worker has started on a node."""
        started = [each for each in self.workers() if (each["ActorClassName"], each["State"]) == ("TTSWorker", "ALIVE")]
        return any(each["Address"]["NodeID"] == node.node_id for each in started)

    def kill_one(self, kind: str = "TTSWorker") -> None:
        """Kill the process of an actor of this class that has started."""
        alive: list[int] = []
        while not alive:
            until(lambda: bool(self.workers()))
            started = [each for each in self.workers() if (each["ActorClassName"], each["State"]) == (kind, "ALIVE")]
            alive = [each["Pid"] for each in started if running(each["Pid"])]
        os.kill(alive[0], signal.SIGKILL)


def running(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def started(plugin: Path) -> Iterator[Nodes]:
    """Start a cluster whose processes find the checkout and the packages of ``plugin``; end it with all processes."""
    from ray.cluster_utils import Cluster

    before = dict(os.environ)
    os.environ |= QUIET | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(plugin)))}
    head = {"num_cpus": 4, "object_store_memory": MEMORY, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        yield Nodes(cluster)
    finally:
        cluster.shutdown()
        os.environ.clear()
        os.environ.update(before)
