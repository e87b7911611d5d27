"""Which tests go to the same worker where several run at once (``make test``)."""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadFileScheduling

# These files share two engines of vLLM, which start once a session.
ON_SHARED_ENGINES = ("tests/engines/test_vllm.py", "tests/strategies/test_contract.py")
# These wait for processes for most of their time: first, so that no worker ends long after the others.
SLOWEST = (
    *ON_SHARED_ENGINES,
    "tests/cluster/test_ray.py",
    "tests/engines/test_vllm_processes.py",
    "tests/prm/test_families_vllm.py",
)


class Files(LoadFileScheduling):  # type: ignore[misc]
    """Gives a worker whole files, so that a module's fixtures are made once."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return ON_SHARED_ENGINES[0] if file in ON_SHARED_ENGINES else file


def slowest_first(items: list[pytest.Item]) -> None:
    """Move the slowest files to the front, in the order in which they are listed."""
    rank = {file: place for place, file in enumerate(SLOWEST)}
    items.sort(key=lambda item: rank.get(item.nodeid.partition("::")[0], len(rank)))
