"""Connecting to a cluster: what can be wrong is one sentence, and soon."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.cluster.fake_ray import FakeRay
from tts.cluster.connection import Connection
from tts.cluster.placement import Placement
from tts.errors import BadInput


class Unconnected(FakeRay):
    """A Ray that is not connected yet, and cannot be."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def is_initialized(self) -> bool:
        return False

    def init(self, address: str, **_: Any) -> None:
        raise self._error


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_an_address_where_nothing_listens_is_refused_at_once(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    address = f"{scheme}127.0.0.1:{port}"
    with pytest.raises(BadInput, match=rf"^no Ray cluster answers at '{address}': start one with `ray start --head`"):
        Connection(Placement(address), Unconnected(AssertionError("not reached")))


@pytest.mark.parametrize("kind", [Exception, RuntimeError, ValueError])
def test_whatever_ray_raises_while_it_connects_is_one_sentence(kind: type[Exception]) -> None:
    ray = Unconnected(kind("The current node timed out during startup.\nA page of advice follows."))
    with pytest.raises(BadInput) as refused:
        Connection(Placement("local"), ray)
    assert str(refused.value) == (
        "the Ray cluster at 'local' cannot be used: The current node timed out during startup."
    )


@pytest.mark.parametrize(
    ("address", "cause", "words"),
    [
        (
            "auto",
            "RPC error: InvalidAuthToken. See the page on token authentication.",
            "asks for a token: set RAY_AUTH",
        ),
        ("ray://127.0.0.1:{port}", "", "does not let a client in; if it asks for a token, set RAY_AUTH_MODE=token"),
        ("auto", "no such file", "no Ray cluster answers at 'auto'"),
    ],
)
def test_a_cluster_that_asks_for_a_token_says_so(address: str, cause: str, words: str) -> None:
    error = ConnectionError("Failed to connect to Ray cluster")
    error.__cause__ = RuntimeError(cause)
    with socket.create_server(("127.0.0.1", 0)) as listening, pytest.raises(BadInput, match=words):
        Connection(Placement(address.format(port=listening.getsockname()[1])), Unconnected(error))
