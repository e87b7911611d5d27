"""The arithmetic of worked solutions: one operation on natural numbers, and the words that lead a step."""

from __future__ import annotations


def evaluate(a: int, op: str, b: int) -> int:
    """Compute `a op b`; -1 if it is not a natural number (a negative difference, an inexact quotient)."""
    if op == "+":
        return a + b
    if op == "-":
        return a - b if a >= b else -1
    if op == "*":
        return a * b
    return a // b if b and a % b == 0 else -1


def lead(op: str, n: int) -> str:
    """Return the words that open a step: what is done to the value so far."""
    if op == "*":
        return {2: "Double it", 3: "Triple it"}.get(n, f"Times {n}")
    if op == "/":
        return "Halve it" if n == 2 else f"Divide by {n}"
    return f"Add {n}" if op == "+" else f"Take away {n}"
