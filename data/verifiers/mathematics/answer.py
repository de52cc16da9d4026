r"""Reading an answer: from text to its shape.

text: as `notation.bare` leaves it. Brackets bind before commas, commas before relations, relations before formulas.
"""

import re

from data.verifiers.mathematics import environments, real_sets
from data.verifiers.mathematics.brackets import balanced, inside, split
from data.verifiers.mathematics.formula import GREEK, MAX_DEPTH, NotAFormula, parse
from data.verifiers.mathematics.notation import flat
from data.verifiers.mathematics.quantity import Plain, multiplied, plain, split_unit
from data.verifiers.mathematics.shapes import (
    Chain,
    Items,
    Literal,
    Matrix,
    Named,
    Ratio,
    RealSet,
    Record,
    Relation,
    Scalar,
    Shape,
    Union,
    Words,
)
from data.verifiers.mathematics.value import has_value, variables

_WORD = re.compile(r"[^\W\d_]+(?:[\s'-]+[^\W\d_]+)*|[\u3400-\u9fff]+")
_SHORT_WORDS = frozenset(("no", "up", "in", "on"))
_PROSE = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{3,}")
_MAX_PROSE = 12
"""Words of an answer; a longer text is an explanation, which no rule can check."""
_PHRASES = {
    **dict.fromkeys(("nosolution", "nosolutions", "nosuchsolution", "emptyset", "theemptyset"), r"\emptyset"),
    **dict.fromkeys(("norealsolution", "norealsolutions", "nosolutionexists", "nosolutionsexist"), r"\emptyset"),
    **dict.fromkeys(("allrealnumbers", "allreals", "allreal", "anyrealnumber", "therealnumbers"), r"\mathbb{R}"),
}
_GROUPED = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?![\d,]\d)")
_NAME = re.compile(
    r"\\(?:angle|triangle) ?[A-Z]{1,3}|\([A-Za-z] ?\\circ ?[A-Za-z]\) ?\(\w\)|\\frac ?\{ ?d ?\w? ?\} ?\{ ?d ?\w ?\}"
    r"|\\?[A-Za-z]+(?: ?\{[A-Za-z ]+\})?(?: ?_ ?(?:\{[^{}]*\}|\w))?'*(?: ?\^ ?\{ ?-1 ?\})?"
    r"(?: ?\((?:[A-Za-z]\(\w*\)|[A-Za-z0-9,=| ]*)\))?"
)  # a letter, a word, a function of letters
_NAME_COMMANDS = GREEK | {"text", "mathbf", "overline", "bar", "angle", "operatorname", "triangle", "frac"}
_RATIO = re.compile(r"[\d.,/]+(?: ?: ?[\d.,/]+)+")
_CLOCK = re.compile(r"\d{1,2}(?::\d{2}){1,2}")
_HALF_OF_DAY = re.compile(r"(?<=\d)([ap])\.?m\.?$", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}/\d{4}")
_RELATIONS = {"<": "<", ">": ">", r"\le": r"\le", r"\ge": r"\ge", r"\ne": r"\ne"}


def read(text: str, depth: int = 0) -> Shape | None:
    """The shape of an answer; None for one that cannot be read: unbalanced, or a text that explains."""
    text = text.strip()
    text = environments.system(text) or text
    if not text or depth > MAX_DEPTH or not balanced(text) or (depth == 0 and len(_PROSE.findall(text)) > _MAX_PROSE):
        return None
    return _whole(text) or _list(text, depth) or _set(text, depth) or _relation(text, depth) or _value(text, depth)


def words(text: str) -> bool:
    """Whether a text is words: their letters are no factors in any order."""
    found = _WORD.fullmatch(text)
    parts = re.split(r"[\s'-]+", text)
    return found is not None and any(
        (len(part) > 2 and part not in ("and", "or")) or part.casefold() in _SHORT_WORDS or not part.isascii()
        for part in parts
    )


def _read_all(texts: list[str], depth: int) -> list[Shape] | None:
    """The shapes of an answer's parts; None where one of them cannot be read."""
    shapes = [read(text, depth + 1) for text in texts]
    found = [shape for shape in shapes if shape is not None]
    return found if len(found) == len(shapes) else None


def _without_thousands(text: str) -> str:
    """A list whose commas stand between its values alone: those have a space behind them, those of thousands none."""
    return _GROUPED.sub(lambda found: found[0].replace(",", ""), text) if ", " in text else text


def _whole(text: str) -> Shape | None:
    """Words, and sets that have a name."""
    if words(text):
        folded = flat(text).casefold()
        text = _PHRASES.get(folded, text)
        if folded not in _PHRASES:
            return Words(folded)
    return {
        r"\emptyset": RealSet(()), r"\{\}": RealSet(()),
        r"\mathbb{R}": real_sets.EVERYTHING, r"\mathbbR": real_sets.EVERYTHING,
    }.get(flat(text))  # fmt: skip


# -- several values


def _list(text: str, depth: int) -> Shape | None:
    """Values with commas, semicolons, `and`, `or` between them, or with a plus-minus sign."""
    if plain(split_unit(text)[0]) is not None:
        return None
    text = _without_thousands(text)
    parts, signs = split(text, ",", ";", "and", "or")
    if not signs:
        return _plus_minus(text, depth)
    parts = [part for part, sign in zip(parts, [*signs, ""], strict=True) if part or sign not in ("and", "or")]
    found = _read_all(parts, depth)
    if found is None or len(found) < 2:
        return None
    joined = real_sets.joined(found, signs)
    return joined or _record(found) or Items("", "", tuple(_flat(found)), "or" in signs)


def _flat(shapes: list[Shape]) -> list[Shape]:
    """A list within a list, which a plus-minus sign makes, is part of it."""
    return [
        part for shape in shapes for part in (shape.parts if isinstance(shape, Items) and not shape.begin else (shape,))
    ]


def _record(shapes: list[Shape]) -> Shape | None:
    """Named values: of several names, or of one that all values share (`x = 1, 2`)."""
    names = [shape.name for shape in shapes if isinstance(shape, Named)]
    if not names or (len(names) < len(shapes) and (len(names) > 1 or not isinstance(shapes[0], Named))):
        return None
    values = [shape.value if isinstance(shape, Named) else shape for shape in shapes]
    if len(set(names)) == 1:
        return Named(names[0], Items("", "", tuple(_flat(values)), alternatives=True))
    if len(set(names)) < len(names):
        return None
    pairs = list(zip(names, values, strict=True))
    return Record(tuple(pairs if all(map(_PROSE.search, names)) else sorted(pairs, key=lambda pair: pair[0])))


def _plus_minus(text: str, depth: int) -> Shape | None:
    if not re.search(r"\\(?:pm|mp)(?![A-Za-z])", text) or text.startswith((r"\{", "{")) and inside(text):
        return None
    above = re.sub(r"\\mp(?![A-Za-z])", "-", re.sub(r"\\pm(?![A-Za-z])", "+", text))
    below = re.sub(r"\\mp(?![A-Za-z])", "+", re.sub(r"\\pm(?![A-Za-z])", "-", text))
    found = _read_all([above, below], depth)
    return None if found is None else _record(found) or Items("", "", tuple(_flat(found)), alternatives=True)


# -- sets and brackets


def _set(text: str, depth: int) -> Shape | None:
    parts, _ = split(text, r"\cup")
    if len(parts) > 1:
        found = _read_all(parts, depth)
        return None if found is None else Union(tuple(found))
    parts, _ = split(text, r"\setminus")
    if len(parts) == 2:
        return real_sets.without(read(parts[0], depth + 1), read(parts[1], depth + 1))
    parts, _ = split(text, r"\in")
    if len(parts) == 2 and _name(parts[0]):
        inner = read(parts[1], depth + 1)
        if isinstance(inner, Items) and inner.begin in ("(", "["):
            inner = real_sets.as_real_set(inner) or inner
        return Named(_spoken(parts[0]), inner) if isinstance(inner, Items | Union | RealSet) else None
    return _matrix(text, depth) or _brackets(text, depth)


def _matrix(text: str, depth: int) -> Shape | None:
    found = environments.matrix(text)
    if depth > 3:
        return None
    if found is None:
        core = environments.transposed(text)
        items = _brackets(core, depth) if core else None
        return Matrix(tuple((part,) for part in items.parts)) if isinstance(items, Items) else None
    factor, texts = found
    rows = [row for entries in texts if (row := _read_all(entries, depth)) is not None]
    if len(rows) < len(texts):
        return None
    whole = Matrix(tuple(map(tuple, rows)))
    return environments.scaled(factor, whole) if factor else whole


def _brackets(text: str, depth: int) -> Shape | None:
    found = inside(text)
    if found is None:
        return None
    begin, inner, end = found
    conditions, _ = split(inner, "|", ":")
    if (
        begin in (r"\{", "{")
        and len(conditions) == 2
        and _name(re.sub(r"\\in ?\\mathbb ?\{R\}", "", conditions[0]).strip())
    ):
        return read(conditions[1], depth + 1)
    inner = _without_thousands(inner)
    parts, _ = split(inner, ",", ";")
    if len(parts) == 1 and begin != r"\{":
        return read(inner, depth + 1) if (begin, end) in (("(", ")"), ("{", "}")) else None
    shapes = _read_all(parts, depth)
    if shapes is None:
        return None
    begin, end = {r"\langle": ("(", ")"), "{": (r"\{", r"\}")}.get(begin, (begin, end))
    return Items(begin, end, tuple(_flat(shapes)))


# -- relations


def _relation(text: str, depth: int) -> Shape | None:
    parts, signs = split(text, *_RELATIONS, "=", r"\approx")
    if not signs:
        return None
    if set(signs) == {"="} and all(parts):
        return _equality(parts, depth)
    if r"\approx" in signs:
        return _approximately(parts, signs, depth)
    if "=" in signs or not all(parts):
        return None
    try:
        trees = [parse(part) for part in parts]
    except NotAFormula:
        return None
    bounds = real_sets.bounds(trees, signs)
    if bounds is not None:
        return bounds
    if len(trees) != 2:
        return None
    left, right = trees if signs[0] not in (">", r"\ge") else reversed(trees)
    return Relation({">": "<", r"\ge": r"\le"}.get(signs[0], signs[0]), left, right)


def _equality(parts: list[str], depth: int) -> Shape | None:
    if _name(parts[-1]) and not _name(parts[0]):
        parts = [parts[-1], *parts[:-1]]
    names = 0
    while names < len(parts) - 1 and _name(parts[names]):
        names += 1
    value = read(parts[-1], depth + 1)
    letters = sorted({flat(part) for part in parts[:-1] if re.fullmatch(r"[A-Za-z]", part)})
    if len(letters) == len(parts) - 1 > 1 and isinstance(value, Scalar) and not variables(value.tree):
        return Record(tuple((letter, value) for letter in letters), shared=True)
    if names == 0 or len(parts) - names > 1:
        chain = _chain(parts[names:], value)
        return chain if names == 0 or chain is None else Named(_spoken(parts[0]), chain)
    if value is None or (isinstance(value, Scalar) and flat(parts[0]).removeprefix("\\") in variables(value.tree)):
        return _chain(parts, value)
    several = inside(parts[0])
    if several and isinstance(value, Items) and value.begin == "(":
        named = list(zip(several[1].replace(" ", "").split(","), value.parts, strict=False))
        return Record(tuple(sorted(named, key=lambda pair: pair[0]))) if len(named) == len(value.parts) else None
    return Named(_spoken(parts[0]), value)


def _chain(parts: list[str], last: Shape | None) -> Shape | None:
    try:
        trees = tuple(parse(split_unit(part)[0]) for part in parts)
    except NotAFormula:
        return None
    return None if last is None else Chain(trees, last)


def _approximately(parts: list[str], signs: list[str], depth: int) -> Shape | None:
    r"""`\approx 3.14` and `x \approx 3.14` are 3.14; `\pi \approx 3.14` is pi, where that rounds to 3.14."""
    if set(signs) == {r"\approx"} and len(parts) == 2:
        exact, rounded = parts
        if not exact:
            return read(rounded, depth + 1)
        if _name(exact):
            return _equality([exact, rounded], depth)
        number, value = plain(split_unit(rounded)[0]), _value(exact, depth + 1)
        if number and isinstance(value, Scalar) and real_sets.rounds_to(value.tree, number):
            return value
    if "=" in signs and signs[-1] == r"\approx" and set(signs[:-1]) == {"="}:
        names = [part for part in parts[:-2] if _name(part)]
        inner = _approximately(parts[-2:], [r"\approx"], depth)
        return Named(_spoken(names[0]), inner) if inner and len(names) == len(parts) - 2 else None
    return None


def _name(text: str) -> bool:
    """Whether a text names a value: `x`, `a_1`, `f(x)`, `AB`, `\\text{Area}`, `(x, y)`."""
    if re.fullmatch(r"\([A-Za-z](?: ?, ?[A-Za-z])+\)", text):
        return True
    found = _NAME.fullmatch(text)
    command = re.match(r"\\([A-Za-z]+)", text)
    if re.fullmatch(r"[a-z]{2}|[A-Z][a-z]|[a-z][A-Z]", text):
        return False  # a product
    return found is not None and (command is None or command[1] in _NAME_COMMANDS)


# -- one value


def _value(text: str, depth: int) -> Shape | None:
    if _RATIO.fullmatch(text):
        parts = [plain(part.strip()) for part in text.split(":")]
        if None not in parts:
            return Ratio(tuple(part for part in parts if part is not None), _CLOCK.fullmatch(text) is not None)
    if _DATE.fullmatch(text):
        return _literal(text)
    core, times = multiplied(text)
    core, unit = split_unit(core)
    number = plain(core)
    if number is not None:
        number = Plain(number.value * times, number.places, number.base) if times > 1 else number
        return Scalar(text, ("number", number.value), number, unit)
    try:
        tree = parse(core)
    except NotAFormula:
        return _literal(text)
    return Scalar(text, tree, None, unit) if has_value(tree) else None


def _literal(text: str) -> Shape | None:
    if not re.search(r"\w", text):
        return None
    said = _spoken(text).replace(",&", "&")
    said = _HALF_OF_DAY.sub(lambda found: f"{found[1]}m".lower(), said)
    return Literal(said.casefold() if _PROSE.search(text) else said)


def _spoken(text: str) -> str:
    return flat(re.sub(r"\\text ?\{([^{}]*)\}", r"\1", text))
