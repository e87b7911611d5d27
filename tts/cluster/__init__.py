"""Many machines: a Ray cluster whose workers are whole solvers (docs/CLUSTER.md)."""

from tts.cluster.data_actor import TTSActor
from tts.cluster.placement import Placement

__all__ = ["Placement", "TTSActor"]
