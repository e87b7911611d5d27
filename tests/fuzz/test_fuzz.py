"""A few hundred rounds of the fuzz test with a fixed seed; ``python -m tests.fuzz --rounds 5000`` runs more."""

from __future__ import annotations

import pytest

from tests.fuzz.formats import FORMATS
from tests.fuzz.run import rounds


@pytest.mark.parametrize("name", [each.name for each in FORMATS])
def test_no_edit_of_a_valid_file_ends_in_a_traceback_a_hang_or_growth(name: str) -> None:
    assert not [finding for finding in rounds(15, seed=7, only=[name]) if finding is not None]
