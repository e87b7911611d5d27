"""Files of data sets on the Hugging Face hub: from the cache on this machine, else fetched."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies


def fetched(repository: str, file: str, revision: str) -> Path:
    """Return a file of a data set's repository.

    Raises whatever a network and the hub's client can raise.
    """
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    def path(cached: bool) -> Path:
        return Path(
            hf_hub_download(repository, file, repo_type="dataset", revision=revision, local_files_only=cached)
        )  # fmt: skip

    try:
        return path(cached=True)
    except LocalEntryNotFoundError:
        _resolve(constants.ENDPOINT)
        return path(cached=False)


def _resolve(address: str) -> None:
    """Look up the host of an address, unless a proxy does. Raises OSError: the hub's client would try for 23 s."""
    host = urlsplit(address)
    if host.hostname and not getproxies():
        socket.getaddrinfo(host.hostname, host.port or 443)
