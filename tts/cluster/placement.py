"""Placement: which cluster, how many workers, and what each of them takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tts.errors import BadInput


@dataclass(frozen=True, slots=True)
class Placement:
    """Workers on a Ray cluster.

    Attributes:
        address: ``"auto"`` for the cluster of this machine or of ``RAY_ADDRESS``, ``"local"`` to start one here for
            this call, ``HOST:PORT``, or ``ray://HOST:PORT`` from outside of the cluster.
        workers: number of workers to ask for; None for as many as the cluster can hold now.
        gpus: GPUs of each worker. Below 1, several workers share a GPU and its memory.
        cpus: processors of each worker.

    Raises:
        BadInput: a number is outside its range.
    """

    address: str = "auto"
    workers: int | None = None
    gpus: float = 0.0
    cpus: float = 1.0

    def __post_init__(self) -> None:
        if not self.address.strip():
            raise BadInput("the address of the Ray cluster is empty: give auto, local, HOST:PORT or ray://HOST:PORT.")
        if self.workers is not None and self.workers < 1:
            raise BadInput(f"a run needs 1 worker or more, not {self.workers}.")
        for name, value, least in (("GPUs", self.gpus, 0.0), ("CPUs", self.cpus, 0.0001)):
            if not (math.isfinite(value) and value >= least) or (value > 1 and value != int(value)):
                raise BadInput(f"the {name} of a worker are a whole number or a part of one, not {value:g}.")

    @classmethod
    def of(cls, given: Placement | str) -> Placement:
        """Return a placement; a text is its address."""
        return given if isinstance(given, Placement) else cls(given)

    @property
    def share(self) -> float:
        """Return the part of a GPU's memory that belongs to one worker."""
        return self.gpus if 0 < self.gpus < 1 else 1.0

    def fitting(self, resources: dict[str, float]) -> int:
        """Return the number of workers: the one asked for, or as many as these resources hold, 1 at least."""
        if self.workers is not None:
            return self.workers
        rooms = [resources.get("CPU", 0.0) / self.cpus]
        if self.gpus:
            rooms.append(resources.get("GPU", 0.0) / self.gpus)
        return max(1, math.floor(min(rooms) + 1e-6))

    def words(self) -> str:
        """Describe what one worker asks for."""
        cpus = f"{self.cpus:g} CPU{'s' * (self.cpus > 1)}"
        return f"{self.gpus:g} GPU{'s' * (self.gpus > 1)} and {cpus}" if self.gpus else cpus

    def row(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return {"address": self.address, "workers": self.workers, "gpus": self.gpus, "cpus": self.cpus}
