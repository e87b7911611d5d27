"""Base class of the families; the torch side is a module of its own, imported when a model is loaded."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tts.protocols import RewardFamily

if TYPE_CHECKING:
    import torch


class Family(RewardFamily):
    """A family whose torch side is ``loader(folder, dtype)`` and ``maker(folder)``, each "module:function"."""

    __slots__ = ()

    loader: ClassVar[str]
    maker: ClassVar[str]

    def load(self, folder: Path, dtype: torch.dtype) -> torch.nn.Module:
        """Load the module with its published weights from safetensors. Raises ModelError if weights are missing."""
        module: torch.nn.Module = _function(self.loader)(folder, dtype, **self._options())
        return module

    def shape(self, folder: Path) -> torch.nn.Module:
        """Create the module without weights, on the meta device."""
        module: torch.nn.Module = _function(self.maker)(folder)
        return module

    def _options(self) -> dict[str, Any]:
        """Return further arguments of the torch side."""
        return {}


def _function(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
