r"""Parser of formulas in LaTeX or plain text.

A formula with an unknown token is refused as a whole, so that no part of an answer is dropped silently.

Conventions:
    * ``\log`` has base 10 and ``\ln`` base e, as school books and math-verify have it.
    * ``e`` is Euler's number and ``i`` the imaginary unit, except as the index of a sum.
    * A degree sign inside a trigonometric function converts to radians. Elsewhere it is a unit and is dropped.
    * ``1/2x`` is ``(1/2)x``; ``\sin 2x`` is ``\sin(2x)``; ``\sin x/2`` is ``(\sin x)/2``.
    * ``x^10`` and ``\sqrt10`` take the whole number, though TeX takes its first digit.
    * ``f(...)`` and ``g(...)`` are functions; every other letter before a bracket is a factor.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

from tts.answers.formula_tokens import (
    AROUND,
    BETWEEN,
    CLOSING,
    DECORATED,
    FUNCTIONS,
    GREEK,
    KNOWN,
    OF_SEVERAL,
    OVER,
    TIMES,
    TRIGONOMETRIC,
    command,
    tokens,
)
from tts.answers.tree import MINUS_ONE, Apply, Expr, Number, Symbol, add, mul, negative

DEPTH = 40
"""Limit of nested groups in a formula."""


class Refused(ValueError):
    """The text is not a formula of this grammar."""


@lru_cache(maxsize=1 << 12)
def formula(text: str) -> Expr:
    """Parse a formula. Raises Refused if any part of the text is not understood."""
    parser = _Parser(tokens(text))
    found = parser.formula()
    if parser.ahead:
        raise Refused(text)
    return found


class _Parser:
    """Recursive-descent parser of one formula."""

    def __init__(self, found: list[str]) -> None:
        self.tokens, self.at, self.depth = found, 0, 0
        self.degrees = False  # whether a degree sign converts to radians
        self.bars = 0  # how many absolute values are open
        self.slashes = 0  # each makes the tree deeper

    @property
    def ahead(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        if not self.ahead:
            raise Refused("the formula ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def take_if(self, *tokens: str) -> bool:
        found = self.ahead in tokens
        self.at += found
        return found

    def expect(self, token: str) -> None:
        if self.take() != token:
            raise Refused(f"{token} is missing")

    # ---------------------------------------------------------------------------------------- operations by precedence

    def formula(self) -> Expr:
        r"""Parse a sum, or two with ``\choose``, ``\over`` or ``\bmod`` between them."""
        left = self.sum()
        if (name := BETWEEN.get(self.ahead)) is not None:
            self.take()
            left = Apply(name, (left, self.sum()))
        return left

    def sum(self) -> Expr:
        terms = [self.term()]
        while self.ahead in ("+", "-"):
            sign, right = self.take(), self.term()
            terms.append(right if sign == "+" else negative(right))
        return _balanced(add, terms)

    def term(self) -> Expr:
        factors = [self.signed()]
        while True:
            if self.ahead in TIMES:
                sign, right = self.take(), self.signed()
                if _vector(factors[-1]) and _vector(right):  # products of vectors are not products of numbers
                    right = Apply(f"\\{sign}", (factors.pop(), right))
                factors.append(right)
            elif self.take_if(*OVER):
                self.slashes += 1
                if self.slashes > 2 * DEPTH:
                    raise Refused("too many divisions")
                factors = [Apply("div", (_balanced(mul, factors), self.signed()))]
            elif self.juxtaposed():
                factors.append(self.power())
            else:
                return _balanced(mul, factors)

    def juxtaposed(self) -> bool:
        """Return whether a factor follows without a sign; two adjacent numbers are refused."""
        token = self.ahead
        if not token or (token == "|" and self.bars):
            return False
        if token[0].isdigit() or token[0] == ".":
            if self.tokens[self.at - 1][-1].isdigit():
                raise Refused("two numbers side by side")
            return True
        return token[0].isalpha() or token in CLOSING or token in DECORATED or command(token) in KNOWN

    def signed(self) -> Expr:
        minus = False
        while self.ahead in ("+", "-"):
            minus ^= self.take() == "-"
        return negative(self.power()) if minus else self.power()

    def power(self) -> Expr:
        """Parse an atom with its exponents and factorials; every nested group and function passes through here."""
        self.depth += 1
        if self.depth > DEPTH:
            raise Refused("too deep")
        base, start = self.atom(), self.at
        while self.ahead in ("^", "!"):
            if self.at - start > 4 * DEPTH:
                raise Refused("too many powers")
            if self.take() == "^":
                base = self.raised(base)
            else:
                base = Apply("factorial2" if self.take_if("!") else "factorial", (base,))
        self.depth -= 1
        return base

    def raised(self, base: Expr) -> Expr:
        if self.take_if("\\circ"):
            return mul(base, Apply("div", (Symbol("\\pi"), Number(Fraction(180))))) if self.degrees else base
        exponent = self.argument()
        if isinstance(base, Symbol) and re.fullmatch(r"[CP]_\d+", base.name) and isinstance(exponent, Number):
            top = Number(Fraction(base.name[2:]))
            if 0 <= exponent.value <= top.value:  # combinations and arrangements
                return Apply("binom" if base.name[0] == "C" else "falling", (top, exponent))
        return Apply("pow", (base, exponent))

    # ------------------------------------------------------------------------------------------------------- arguments

    def argument(self) -> Expr:
        """Parse the argument of ``^`` or of a command without braces: a group, or one number, letter or command."""
        if self.ahead in ("{", "("):
            return self.group()
        return negative(self.argument()) if self.take_if("-") else self.atom()

    def digit(self) -> Expr:
        r"""Parse an argument of ``\frac``: without braces a single digit, as in TeX."""
        token = self.ahead
        if token.isdigit() and len(token) > 1:
            self.tokens[self.at] = token[1:]
            return Number(Fraction(token[0]))
        return self.argument()

    def group(self) -> Expr:
        closing = CLOSING[self.take()]
        bars, self.bars = self.bars, 0
        inner = self.formula()
        self.bars = bars
        self.expect(closing)
        return inner

    def between_bars(self, opening: str) -> Expr:
        self.bars += opening == "|"
        inner = self.formula()
        self.bars -= opening == "|"
        self.expect(CLOSING[opening])
        return Apply(AROUND[opening], (inner,))

    def arguments(self) -> tuple[Expr, ...]:
        """Parse arguments between brackets, separated by commas."""
        opening = self.take()
        if opening not in ("(", "[", "{", "\\{"):
            raise Refused("arguments without brackets")
        found = [self.formula()]
        while self.take_if(","):
            found.append(self.formula())
        self.expect(CLOSING[opening])
        return tuple(found)

    def raw(self) -> str:
        """Return the next group or token as written; a group of one token without its braces."""
        first = self.take()
        if first != "{":
            return first
        depth, found = 1, []
        while depth:
            found.append(self.take())
            depth += (found[-1] == "{") - (found[-1] == "}")
        found.pop()
        return found[0] if len(found) == 1 else f"{{{''.join(found)}}}"

    # ----------------------------------------------------------------------------------------------------------- atoms

    def atom(self) -> Expr:
        token = self.take()
        if token[0].isdigit() or (token[0] == "." and len(token) > 1):
            return self.number(token)
        if token in AROUND:
            return self.between_bars(token)
        if token in ("(", "[", "{"):
            self.at -= 1
            return self.group()
        if token in DECORATED:
            return self.symbol(token + self.raw())
        if token.startswith(("\\text", "\\operatorname")):
            return self.named(re.sub(r".*\{\s*(.*?)\s*\}", r"\1", token))
        name = token.removeprefix("\\")
        if (read := _COMMANDS.get(name)) is not None:
            return read(self)
        if name in FUNCTIONS:
            return self.function(name)
        if name in OF_SEVERAL:
            return Apply(name, self.arguments())
        if name == "pi" or (token[0] == "\\" and name in GREEK) or (len(token) == 1 and token.isalpha()):
            return self.symbol(f"\\{name}" if name == "pi" else token)
        raise Refused(token)

    def number(self, token: str) -> Expr:
        _, point, decimals = token.partition(".")
        value = Fraction(token)
        if point and (self.take_if("\\overline", "\\bar", "\\dot") or (not decimals and self.ahead == "(")):
            return self.repeating(value, len(decimals))
        if self.ahead == "_":
            raise Refused("a subscript on a number")
        mixed = self.mixed() if not point else None
        return Number(value + mixed) if mixed is not None else Number(value, len(decimals))

    def repeating(self, value: Fraction, places: int) -> Expr:
        digits = self.raw().strip("{}")
        if digits == "(":  # 0.(3)
            digits = self.take()
            self.expect(")")
        if not digits.isdigit():
            raise Refused("a repeating part that is no number")
        return Number(value + Fraction(int(digits), (10 ** len(digits) - 1) * 10**places))

    def mixed(self) -> Fraction | None:
        r"""Return the fraction of a mixed number such as ``2\frac{5}{8}``; None if something else follows."""
        match self.tokens[self.at : self.at + 7]:
            case ["\\frac", "{", top, "}", "{", bottom, "}"] if top.isdigit() and bottom.isdigit() and int(bottom):
                self.at += 7
                return Fraction(int(top), int(bottom))
        return None

    def symbol(self, name: str) -> Expr:
        if self.take_if("_"):
            name += "_" + re.sub(r"\\text\{(.*)\}", r"\1", self.raw()).strip("{}")
        while self.take_if("'"):
            name += "'"
        if name.rstrip("'") in ("f", "g", "F", "G") and self.ahead == "(":
            return Apply(f"\\{name}", self.arguments())
        return Symbol(name)

    def named(self, name: str) -> Expr:
        """Parse a name in upright letters: a function of the grammar, or an unknown one, which must have arguments."""
        if name in FUNCTIONS:
            return self.function(name)
        if name in OF_SEVERAL:
            return Apply(name, self.arguments())
        if not name.isalpha():
            raise Refused(name)
        if self.take_if("_"):
            name += "_" + self.raw()
        if self.ahead != "(":
            raise Refused(name)
        return Apply(f"\\{name}", self.arguments())

    def function(self, name: str) -> Expr:
        kind = FUNCTIONS[name]
        base: Expr | None = Number(Fraction(10)) if kind == "log" else None
        exponent: Expr | None = None
        while self.ahead in ("_", "^"):
            if self.take() == "^":
                exponent = self.argument()
            elif kind == "log":
                base = self.argument()
            else:
                raise Refused("a subscript on a function")
        if exponent == MINUS_ONE and kind in TRIGONOMETRIC:
            kind, exponent = f"a{kind}", None
        degrees, self.degrees = self.degrees, kind in TRIGONOMETRIC
        inner = self.operand()
        self.degrees = degrees
        found = Apply(kind, (inner,) if base is None else (inner, base))
        return found if exponent is None else Apply("pow", (found, exponent))

    def operand(self) -> Expr:
        """Parse the operand of a function: a bracket, or the factors up to the next sign or function."""
        if self.ahead in ("(", "[", "{", "|"):
            return self.atom()
        left = self.signed()
        while self.juxtaposed() and command(self.ahead) not in FUNCTIONS and self.ahead != "(":
            left = mul(left, self.power())
        return left

    # -------------------------------------------------------------------------------------------------------- commands

    def of_two(self, name: str) -> Expr:
        first = self.digit()
        return Apply(name, (first, self.digit()))

    def of_one(self, name: str) -> Expr:
        return Apply(name, (self.argument(),))

    def root(self) -> Expr:
        degree = self.group() if self.ahead == "[" else Number(Fraction(2))
        return Apply("root", (self.argument(), degree))

    def cube_root(self) -> Expr:
        return Apply("root", (self.argument(), Number(Fraction(3))))

    def series(self, kind: str) -> Expr:
        lower, upper = "", None
        while self.ahead in ("_", "^"):
            if self.take() == "_":
                lower = self.raw()
            else:
                upper = self.argument()
        match = re.fullmatch(r"\{([a-zA-Z])=(.+)\}", lower)
        if match is None or upper is None:
            raise Refused("a sum without bounds")
        return Apply(kind, (Symbol(match[1]), formula(match[2]), upper, self.term()))


_COMMANDS: dict[str, Callable[[_Parser], Expr]] = {
    "frac": lambda parser: parser.of_two("div"),
    "binom": lambda parser: parser.of_two("binom"),
    "sqrt": _Parser.root,
    "cbrt": _Parser.cube_root,
    "floor": lambda parser: parser.of_one("floor"),
    "ceil": lambda parser: parser.of_one("ceil"),
    "sum": lambda parser: parser.series("sum"),
    "prod": lambda parser: parser.series("prod"),
}


def _balanced(join: Callable[[Expr, Expr], Expr], parts: list[Expr]) -> Expr:
    """Join the parts in a tree of minimal depth, since long sums are evaluated by recursion."""
    while len(parts) > 1:
        pairs = [join(a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)]
        parts = [*pairs, parts[-1]] if len(parts) % 2 else pairs
    return parts[0]


def _vector(expr: Expr) -> bool:
    return isinstance(expr, Symbol) and expr.name.startswith(("\\vec", "\\overrightarrow"))
