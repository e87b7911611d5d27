"""Set up before any test: one thread a process, no network for model hubs, quiet tokenizers."""

from __future__ import annotations

import os

# Child processes (the command line, examples, packaging) inherit these. Whoever sets one of them knows better.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")
