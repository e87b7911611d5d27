"""Connection to a Ray cluster. What was connected before stays connected after."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from typing import Any

from tts.cluster.placement import Placement
from tts.cluster.source import runtime_env
from tts.errors import BadInput, MissingExtra


def require_ray() -> Any:
    """Import Ray. Raises MissingExtra where it is not installed."""
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("Ray is not installed: pip install 'tts-search[ray]'.") from error
    return ray


_CLIENT = "ray://"

_TALKATIVE = ("ray", "ray.client_builder", "ray._private.runtime_env.packaging", "ray.util.client.worker")
"""Loggers of Ray that report each step of connecting."""

SECONDS = 5.0
"""Seconds that an address has to answer."""


class Connection:
    """Connects this process to a cluster, unless it is connected already.

    Args:
        placement: the address of the cluster.
        ray: the module, see :func:`require_ray`.

    Raises:
        BadInput: there is no such cluster, or it runs another version of Ray or Python.
    """

    def __init__(self, placement: Placement, ray: Any) -> None:
        self.ray = ray
        self._ours = not self.ray.is_initialized()
        if self._ours:
            self._connect(placement.address)

    def close(self) -> None:
        """Disconnect; a cluster that was started for this call ends."""
        if self._ours:
            self.ray.shutdown()

    def _connect(self, address: str) -> None:
        settings: dict[str, Any] = {"runtime_env": runtime_env()}
        _require_answer(address)
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.ERROR)
        if not address.startswith(_CLIENT):
            settings |= {"log_to_driver": False, "logging_level": "ERROR"}
        if address == "local":
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            settings["include_dashboard"] = False
        handler = signal.getsignal(signal.SIGTERM)
        try:
            self.ray.init(address, **settings)
        except ConnectionError as error:
            raise _no_token(address, error) or _no_cluster(address) from error
        except Exception as error:  # Ray raises plain ones too, such as for a node that is slow to start
            raise BadInput(f"the Ray cluster at {address!r} cannot be used: {first_line(error)}.") from error
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, handler)  # Ray's would print a page of addresses


def _require_answer(address: str) -> None:
    """Check that something listens at HOST:PORT: Ray itself would try for two minutes. Raises BadInput."""
    host, colon, port = address.removeprefix(_CLIENT).partition("/")[0].rpartition(":")
    if not colon:
        return
    try:
        socket.create_connection((host, int(port)), SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise _no_cluster(address) from error


def _no_cluster(address: str) -> BadInput:
    return BadInput(
        f"no Ray cluster answers at {address!r}: start one with `ray start --head`, name another address, or give "
        "local to start one for this call."
    )


def _no_token(address: str, error: BaseException | None) -> BadInput | None:
    """Return the error of a cluster whose token this process lacks; None for another. Ray's client only times out."""
    why = "does not let a client in; if it asks for a token," if address.startswith(_CLIENT) else ""
    while error is not None and not why:
        if "authenticat" in f"{type(error).__name__} {error}".lower():
            why = "asks for a token:"
        error = error.__cause__ or error.__context__
    if not why:
        return None
    return BadInput(
        f"the Ray cluster at {address!r} {why} set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN to what "
        "`ray get-auth-token` prints on its head node, unless this machine has it in ~/.ray/auth_token."
    )


def first_line(error: BaseException) -> str:
    """Return the first line of an error that says something, without its full stop."""
    lines = (line.strip() for line in str(error).splitlines())
    return next(filter(None, lines), type(error).__name__).rstrip(".:")
