"""Runs first in a process that an engine starts, in place of the user's script (see ``tts.engines.vllm.engine``).

It keeps interrupts from the keyboard out, which the process that asked handles for all, and ends this one when that is
gone, however it went: vLLM's own processes would go on for ever.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

from tts.engines.vllm.garbage import wait_longer


def follow(every: float = 0.1) -> None:
    """End this process as soon as the one that asked for it is gone, without further ado."""
    while (parent := multiprocessing.parent_process()) is None:  # as long as this process is being set up
        time.sleep(every)
    parent.join()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__mp_main__":
    wait_longer()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    threading.Thread(target=follow, name="tts-follow", daemon=True).start()
