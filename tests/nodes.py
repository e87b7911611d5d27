"""Nodes made by hand."""

from __future__ import annotations

from collections.abc import Sequence

from tts.types import Finish, Node, Step


def chain(steps: Sequence[str], root: Node | None = None, finish: Finish = Finish.STEP) -> Node:
    """Return the node at the end of these steps, below a root or a root of its own."""
    node = root or Node(Step("", (1,)), "/")
    for k, text in enumerate(steps):
        node = Node(Step(text, (k,)), f"{node.key}.{k}", finish if k == len(steps) - 1 else Finish.STEP, node)
    return node
