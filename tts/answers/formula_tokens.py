"""Tokens of formulas in LaTeX or plain text, and the names that the grammar knows."""

from __future__ import annotations

import re

TRIGONOMETRIC = ("sin", "cos", "tan", "cot", "sec", "csc")
FUNCTIONS = {name: name for name in (*TRIGONOMETRIC, *"sinh cosh tanh coth sech csch exp ln log".split())}
FUNCTIONS |= {f"arc{name}": f"a{name}" for name in TRIGONOMETRIC}
FUNCTIONS |= {f"{prefix}{name}": f"a{name}" for name in ("sinh", "cosh", "tanh") for prefix in ("ar", "arc")}
FUNCTIONS |= {"tg": "tan", "ctg": "cot", "arctg": "atan", "cosec": "csc", "arccosec": "acsc", "lg": "log"}
FUNCTIONS |= {"sgn": "sign", "sign": "sign", "Re": "re", "Im": "im", "abs": "abs"}
OF_SEVERAL = ("max", "min", "gcd", "lcm")
GREEK = set(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho varrho sigma tau "
    "upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell hbar infty "
    "odot".split()
)
DECORATED = {
    f"\\{name}"
    for name in "overline bar vec hat tilde widehat widetilde overrightarrow dot ddot mathcal mathbb angle "
    "triangle".split()
}
_PLAIN = sorted((*FUNCTIONS, *OF_SEVERAL, "sqrt", "cbrt", "floor", "ceil"), key=len, reverse=True)
_PLAIN = [name for name in _PLAIN if name not in ("Re", "Im", "tg", "sign")]
_TOKEN = re.compile(
    r"\s*(?P<token>\d+(?:\.\d*)?|\.\d+|\\operatorname\*?\s*\{[a-zA-Z]+\}|\\text\{[^{}]*\}|\\[a-zA-Z]+|\\.|"
    rf"(?:{'|'.join(_PLAIN)})(?![a-z])|pi(?![a-z])|.)",
    re.DOTALL,
)
CLOSING = {"(": ")", "[": "]", "{": "}", "\\{": "\\}", "|": "|", "\\lfloor": "\\rfloor", "\\lceil": "\\rceil"}
AROUND = {"|": "abs", "\\lfloor": "floor", "\\lceil": "ceil"}
BETWEEN = {"\\choose": "binom", "\\over": "div", "\\bmod": "mod"}
TIMES, OVER = ("*", "\\cdot", "\\times", "\\ast"), ("/", "\\div")
COMMANDS = ("frac", "binom", "sqrt", "cbrt", "floor", "ceil", "sum", "prod")
KNOWN = {*COMMANDS, *FUNCTIONS, *OF_SEVERAL, *GREEK, "pi"}
_IN_FORMULAS = {*CLOSING.values(), *BETWEEN, *TIMES, *OVER, *DECORATED}


def tokens(text: str) -> list[str]:
    r"""Split a formula into tokens: numbers, commands, letters and signs; ``\pir`` is ``\pi`` and ``r``."""
    return [part for match in _TOKEN.finditer(text.strip()) for part in _parts(match["token"])]


_RUN_ON = re.compile(
    rf"(\\(?:{'|'.join(sorted({*GREEK, 'pi', 'lceil', 'lfloor', 'rceil', 'rfloor'}, key=len)[::-1])}))"
)


def _parts(token: str) -> list[str]:
    if not token.startswith("\\") or len(token) < 4 or token[1:] in KNOWN or token in CLOSING or "{" in token:
        return [token]
    match = _RUN_ON.match(token)
    if match is None or token in _IN_FORMULAS or len(token) - match.end() > 2:
        return [token]
    return [match[1], *token[match.end() :]]


def command(token: str) -> str:
    """Return the name of a command or of an upright name; a letter itself."""
    match = re.fullmatch(r"\\(?:text|operatorname\*?)\s*\{\s*(.*?)\s*\}", token)
    return match[1] if match and match[1] in KNOWN else ("pi" if match else token.removeprefix("\\"))
