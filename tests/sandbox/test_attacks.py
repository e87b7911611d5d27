"""No program leaves the sandbox, takes more than its limits, or learns of the host. See attacks.py."""

from __future__ import annotations

import asyncio
import os
import platform
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.sandbox.attacks import CHEAP, SLOW, Attack
from tts import sandbox
from tts.errors import MissingSandbox
from tts.sandbox import Limits, Run
from tts.sandbox.processes import family

LIMITS = Limits(seconds=5, memory_mb=128, processes=8, files_mb=8)
SHORT = Limits(seconds=0.7, memory_mb=96, processes=8, files_mb=8)
ANY = "import sys\nexec(compile(sys.stdin.read(), 'attack.py', 'exec'), globals())"


@dataclass
class Host:
    """What of this machine the programs try to reach, and how every attack ended."""

    secret: Path
    bystander: subprocess.Popen[bytes]
    server: socket.socket
    ended: dict[str, Run]
    seconds: float
    left: list[int]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    try:
        sandbox.check("bubblewrap")
    except MissingSandbox as error:
        pytest.skip(str(error))
    secret = tmp_path_factory.mktemp("host") / "secret"
    secret.write_text("the secret of the host")
    server = socket.create_server(("127.0.0.1", 0))
    server.setblocking(False)
    bystander = subprocess.Popen(["sleep", "600"])
    os.environ["TTS_TEST_TOKEN"] = "a secret"
    facts = {"SECRET_FILE": str(secret), "PORT": str(server.getsockname()[1]), "HOST_PID": str(bystander.pid)}
    begun = time.monotonic()
    ended = asyncio.run(_all({**facts, "VARIABLE": "TTS_TEST_TOKEN"}))
    seconds = time.monotonic() - begun
    left = [pid for pid in family(os.getpid()) if "bwrap" in _command(pid)]
    yield Host(secret, bystander, server, ended, seconds, left)
    del os.environ["TTS_TEST_TOKEN"]
    server.close()
    bystander.kill()
    bystander.wait()


async def _all(facts: dict[str, str]) -> dict[str, Run]:
    """Run the cheap attacks one after the other in one sandbox, and the slow ones side by side."""

    def filled(attack: Attack) -> str:
        code = attack.code
        for name, value in facts.items():
            code = code.replace(name, value)
        return code

    grouped = asyncio.create_task(sandbox.run_each(ANY, [filled(attack) for attack in CHEAP], limits=LIMITS))
    slow = await asyncio.gather(*(sandbox.run(filled(attack), limits=SHORT) for attack in SLOW))
    cheap = await grouped
    return {attack.name: run for attack, run in zip([*CHEAP, *SLOW], [*cheap, *slow], strict=True)}


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


@pytest.mark.parametrize("attack", [*CHEAP, *SLOW], ids=lambda attack: attack.name)
def test_an_attack_does_not_get_through_and_ends_in_its_limit(host: Host, attack: Attack) -> None:
    if "libc.syscall(" in attack.code and platform.machine() != "x86_64":
        pytest.skip("the numbers of its system calls are those of x86_64")
    run = host.ended[attack.name]
    assert "ESCAPED" not in run.stdout, run
    assert run.outcome in attack.ends, run
    assert len(run.stdout) <= LIMITS.output_bytes
    assert len(run.stderr) <= LIMITS.output_bytes


def test_the_host_is_as_it_was(host: Host) -> None:
    assert host.secret.read_text() == "the secret of the host"
    assert host.bystander.poll() is None
    with pytest.raises(BlockingIOError):
        host.server.accept()


def test_no_process_of_a_sandbox_is_left(host: Host) -> None:
    assert host.left == []


def test_all_attacks_together_take_less_than_a_minute_on_a_busy_machine(host: Host) -> None:
    assert host.seconds < 60


def test_there_are_at_least_sixty_attacks_under_different_names() -> None:
    names = {attack.name for attack in [*CHEAP, *SLOW]}
    assert len(names) == len(CHEAP) + len(SLOW) >= 60
