"""The comparison with the peers' servers, as far as it can be tested without them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from benchmarks.speed.peers.gateways import GATEWAYS, _problems, rows
from benchmarks.speed.results_file import Record


def test_the_problems_are_of_all_levels_alike() -> None:
    lengths = Counter(text.count(".") for text, _ in _problems(40))
    assert len({text for text, _ in _problems(40)}) == 40
    assert len(lengths) > 3


def test_a_server_is_asked_only_for_what_a_request_can_set() -> None:
    able = {gateway.name: [n for n in (4, 16) if gateway.serves("best-of-n", n)] for gateway in GATEWAYS}
    assert able == {"ours": [4, 16], "its_hub": [], "optillm": [4]}


def test_the_table_sets_usage_beside_what_vllm_counted() -> None:
    figures = {
        "seconds": [0.1, 0.3, 0.2], "right": [1.0, 0.0, 1.0], "failed": [0.0] * 3, "said sampled": [10, 10, 10],
        "counted sampled": [10.0, 10.0, 20.0], "said read": [0, 0, 0], "counted read": [5.0] * 3,
    }  # fmt: skip
    stream = {"first": 0.01, "seconds": 0.2, "text_chunks": 1, "progress_chunks": 0, "usage": False}
    whole: dict[str, Any] = {
        "searches": {"majority N=4": {"optillm": figures}},
        "optillm": {"stream": stream, "probes": {"unknown_field": 200}, "hang-up": {"before": 50.0, "after": 900.0}},
    }
    record = Record(None, {}, {})
    record.keep("gateways/all", whole)
    found = {row.what: row for row in rows(record)}
    assert found["optillm, majority N=4"].figure == "200 ms"
    assert "sampled 30/40, read 0/15" in found["optillm, majority N=4"].note
    assert found["optillm, tokens sampled after hanging up"].figure == "900"
