r"""Formulas in LaTeX, as trees.

A tree is a tuple: ("number", Fraction), ("symbol", name), ("constant", name), or (operation, tree, ...) with the
operations of value.py. What is no formula raises NotAFormula: words, sums with a sign too many, two numbers side by
side.
"""

import re
from collections.abc import Callable
from fractions import Fraction

MAX_DEPTH = 40
_LINKS = 4
"""Powers or factorials one behind the other."""

Tree = tuple

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d*)?|\.\d+|[A-Za-z]|\S")
_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Sigma Upsilon Phi Psi Omega ell"
)
GREEK = frozenset(_GREEK.split())
_FUNCTIONS = "sin cos tan cot sec csc asin acos atan sinh cosh tanh ln log exp arg Re Im"
FUNCTIONS = frozenset(_FUNCTIONS.split())
_LISTED = frozenset(("max", "min", "gcd", "lcm"))
_CLOSERS = {"(": ")", "[": "]", "{": "}", r"\{": r"\}", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil", "|": "|"}
_PERCENT: Tree = ("number", Fraction(1, 100))
_DEGREE: Tree = ("multiply", ("constant", "pi"), ("number", Fraction(1, 180)))


class NotAFormula(ValueError):
    """A text that is no formula, or one too deep to read."""


def parse(text: str) -> Tree:
    """The tree of a formula. text: as `notation.bare` leaves it."""
    reader = _Reader(_TOKEN.findall(text))
    tree = reader.sum()
    if reader.here is not None:
        raise NotAFormula(f"{reader.here!r} is one too many")
    return tree


class _Reader:
    """Recursive descent over tokens."""

    def __init__(self, tokens: list[str]):
        self.tokens, self.at, self.depth, self.bars = tokens, 0, 0, 0

    @property
    def here(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, *wanted: str) -> str | None:
        """The token here, where it is one of those wanted."""
        if self.here is None or self.here not in wanted:
            return None
        self.at += 1
        return self.tokens[self.at - 1]

    def need(self, wanted: str) -> None:
        if not self.take(wanted):
            raise NotAFormula(f"{wanted!r} is missing")

    def sum(self) -> Tree:
        terms = [self.product()]
        while sign := self.take("+", "-"):
            right = self.product()
            terms.append(right if sign == "+" else ("negative", right))
        return terms[0] if len(terms) == 1 else ("add", *terms)

    def product(self) -> Tree:
        sign = self.take("+", "-")
        factors = [self._mixed() or self.power()]
        while True:
            if self.take("*", r"\cdot", r"\times"):
                factors.append(self._signed(self.power))
            elif self.take("/", r"\div"):
                factors.append(_inverse(self._signed(self.power)))
            elif self._starts_factor():
                factors.append(self.power())
            else:
                break
        tree = factors[0] if len(factors) == 1 else ("multiply", *factors)
        tree = ("mod", tree, self.power()) if self.take(r"\bmod", r"\mod") else tree
        return ("negative", tree) if sign == "-" else tree

    def _signed(self, read: Callable[[], Tree]) -> Tree:
        return ("negative", read()) if self.take("-") else read()

    def _mixed(self) -> Tree | None:
        r"""`1\frac{1}{2}` is one and a half: a whole number before a proper fraction of plain numbers."""
        if not (self.here or "").isdecimal() or self.tokens[self.at + 1 : self.at + 2] != [r"\frac"]:
            return None
        start = self.at
        whole, (_, above, (_, below, _)) = self.atom(), self.atom()
        if above[0] == below[0] == "number" and 0 < above[1] < below[1] and above[1].denominator == 1:
            return ("number", whole[1] + above[1] / below[1])
        self.at = start
        return None

    def _starts_factor(self) -> bool:
        """Whether a factor follows that needs no sign before it; a number does, but for factorials."""
        here = self.here
        if here is None:
            return False
        if here[0].isdecimal() or here[0] == ".":  # 3!2!
            return self.tokens[self.at - 1] == "!" and self.tokens[self.at + 1 : self.at + 2] == ["!"]
        if here == "|":
            return not self.bars
        return _letter(here) or here in _CLOSERS or (
            here[0] == "\\" and (here[1:] in GREEK | FUNCTIONS | _LISTED or here[1:] in _ATOMS)
        )  # fmt: skip

    def power(self) -> Tree:
        tree = self.postfix(self.atom())
        for _ in range(_LINKS):
            if not self.take("^"):
                break
            if self.take(r"\circ") or self._grouped(r"\circ"):
                tree = ("multiply", tree, _DEGREE)
            else:
                tree = self.postfix(("power", tree, self._signed(self.atom)))
        return tree

    def postfix(self, tree: Tree) -> Tree:
        for _ in range(_LINKS):
            sign = self.take("!", "%", r"\circ")
            if sign is None:
                break
            if sign == r"\circ" and self._starts_factor():
                raise NotAFormula("a function of a function")
            tree = ("factorial", tree) if sign == "!" else ("multiply", tree, _DEGREE if sign == r"\circ" else _PERCENT)
        return tree

    def _grouped(self, command: str) -> bool:
        found = self.tokens[self.at : self.at + 3] == ["{", command, "}"]
        self.at += 3 * found
        return found

    def argument(self) -> Tree:
        """Of a command: a group, or one digit, letter or command."""
        here = self.here
        if here is not None and len(here) > 1 and here.isdecimal():  # \\frac12
            self.tokens[self.at : self.at + 1] = list(here)
        return self.atom()

    def group(self, begin: str) -> Tree:
        """What stands behind an opening sign, with its closing one."""
        bars, self.bars = self.bars, begin == "|"
        tree = self.sum()
        self.need(_CLOSERS[begin])
        self.bars = bars
        return tree

    def atom(self) -> Tree:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotAFormula("too deep")
        tree = self._atom(self._next())
        self.depth -= 1
        return tree

    def _atom(self, here: str) -> Tree:
        if here[0].isdecimal() or (here[0] == "." and len(here) > 1):
            return ("number", Fraction(here.rstrip(".")))
        if here in ("(", "[", "{", r"\{"):
            return self.group(here)
        if here in ("|", r"\lfloor", r"\lceil"):
            return ({"|": "abs", r"\lfloor": "floor", r"\lceil": "ceiling"}[here], self.group(here))
        if _letter(here) or here[1:] in GREEK:
            return self._symbol(here.removeprefix("\\"))
        name = here[1:]
        if name in FUNCTIONS:
            return self._function(name)
        if name in _LISTED:
            return (name, *self._list())
        if here[0] == "\\" and name in _ATOMS:
            return _ATOMS[name](self)
        raise NotAFormula(f"{here!r} is not understood")

    def _symbol(self, name: str) -> Tree:
        if self.here == "_" or self.here == "'":
            name += self._subscript()
        return ("constant" if name in ("e", "i") else "symbol", name)

    def _subscript(self) -> str:
        name = ""
        if self.take("_"):
            name = "_" + (self._name() if self.here == "{" else self._next())
        while self.take("'"):
            name += "'"
        return name

    def _next(self) -> str:
        if self.here is None:
            raise NotAFormula("something is missing at its end")
        self.at += 1
        return self.tokens[self.at - 1]

    def _name(self) -> str:
        """The letters in a group."""
        self.need("{")
        name = ""
        while not self.take("}"):
            name += self._next()
        return name

    def _function(self, name: str) -> Tree:
        base: Tree = ("number", Fraction(10)) if name == "log" else ("constant", "e")
        if name == "log" and self.take("_"):
            base = self.argument()
        raised = self._signed(self.atom) if self.take("^") else None
        inner = self.atom() if self.here in ("(", "[", "{", "|") else self._bare_argument()
        if raised == ("negative", ("number", Fraction(1))) and name in ("sin", "cos", "tan"):
            return (f"a{name}", inner)
        tree = ("multiply", ("ln", inner), _inverse(("ln", base))) if name == "log" else (name, inner)
        return tree if raised is None else ("power", tree, raised)

    def _bare_argument(self) -> Tree:
        """`2x` of `\\sin 2x \\cos x`: factors up to a sign or the next function."""
        tree = self.power()
        while self._starts_factor() and self.here not in ("(", "[") and (self.here or "")[1:] not in FUNCTIONS:
            tree = ("multiply", tree, self.power())
        return tree

    def _list(self) -> list[Tree]:
        begin = self.take("(", "{", r"\{")
        if begin is None:
            raise NotAFormula("a list is missing")
        found = [self.sum()]
        while self.take(","):
            found.append(self.sum())
        self.need(_CLOSERS[begin])
        return found

    def _root(self) -> Tree:
        degree: Tree = ("number", Fraction(2))
        if self.take("["):
            degree = self.group("[")
        inner = self.argument()
        return ("power", inner, _inverse(degree))

    def _named(self) -> Tree:
        r"""`\mathbf{x}`, `\text{x}`, `\overline{AB}`: one symbol, whose name is the letters."""
        command, name = self.tokens[self.at - 1], self._name()
        if command == r"\text" and len(name) > 1:
            raise NotAFormula(f"{name!r} is a word")
        name = name if command in (r"\text", r"\mathbf") else command + name
        return self._symbol(name)


def _letter(token: str) -> bool:
    return token.isascii() and token.isalpha()


def _inverse(tree: Tree) -> Tree:
    return ("power", tree, ("number", Fraction(-1)))


_ATOMS: dict[str, Callable[[_Reader], Tree]] = {
    "pi": lambda reader: ("constant", "pi"),
    "infty": lambda reader: ("constant", "infinity"),
    "frac": lambda reader: ("multiply", reader.argument(), _inverse(reader.argument())),
    "binom": lambda reader: ("binomial", reader.argument(), reader.argument()),
    "sqrt": _Reader._root,
    **dict.fromkeys(("mathbf", "text", "overline", "bar", "tilde", "dot", "mathcal"), _Reader._named),
}
