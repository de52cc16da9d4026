r"""Plain numbers and their units: `1,000`, `.5`, `0.\overline{3}`, `1.6\times10^{-19}`, `28%`, `5\text{ cm}`, `101_2`.

text: as `notation.bare` leaves it.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

_MAX_DIGITS = 200
_MAX_POWER = 2000

_UNITS = {
    name: unit
    for unit, names in {
        "cm": "cm centimeter centimetre", "m": "m meter metre", "km": "km kilometer kilometre",
        "mm": "mm millimeter millimetre", "in": "in inch inche", "ft": "ft foot feet", "yd": "yd yard", "mi": "mi mile",
        "kg": "kg kilogram", "g": "g gram gm", "mg": "mg milligram", "lb": "lb pound", "oz": "oz ounce",
        "s": "s sec second", "min": "min minute", "h": "h hr hour", "day": "day", "week": "week", "month": "month",
        "year": "year yr", "l": "l liter litre", "ml": "ml milliliter millilitre", "mi/h": "mph",
        "km/h": "kph kmh kmph", "n": "n newton", "j": "j joule", "w": "w watt", "v": "v volt", "hz": "hz hertz",
        "k": "k kelvin", "°C": "celsius",
        "°F": "fahrenheit", "pa": "pa pascal", "°": "degree deg", "rad": "rad radian", "$": "dollar usd", "¢": "cent",
        "€": "euro eur", "£": "gbp", "%": "percent %", "": "unit",
    }.items()
    for name in names.split()
}  # fmt: skip
_LETTERS = frozenset("mgslhNJWVKL")
_NEVER_UNITS = (
    "a and are as at be cubed each equals factorial from if is minus modulo negative nor not of or over plus point "
    "squared than to half halve third quarter fourth fifth sixth seventh eighth ninth tenth hundredth thousandth"
)
_MULTIPLIERS = {
    "dozen": 12, "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
_MULTIPLE = re.compile(rf"(-?\\?[$€£¥]?-?[\d.,]+) ?(?:\\text ?\{{ ?)?({'|'.join(_MULTIPLIERS)})s?(?![a-z]) ?\}}?")
_CURRENCY = re.compile(r"(-?) ?\\?([$€£¥]) ?(-?)(?=.)")
_DEGREES = re.compile(r" ?(?:\^ ?\{? ?)?\\circ ?\}?(?: ?(?:\\text ?\{ ?)?([CF]) ?\}?)?$")
_IN_TEXT = re.compile(r" ?\\text ?\{([^{}]*)\} ?(\^ ?\{?[23]\}?)?$")
_UNIT_FRACTION = re.compile(r"\\frac ?\{ ?\\text ?\{([^{}]*)\} ?\} ?\{ ?\\text ?\{([^{}]*)\} ?\}")
_SPOKEN = re.compile(r"(?<=[\d.}])([A-Za-z/ -]{1,60})(\^ ?\{?[23]\}?)?$")

_AFTER_FORMULA = re.compile(
    r"(?<=[\d)}i])( (?:square |cubic )?(?:cm|mm|km|kg|in|ft|meters?|inch(?:es)?|feet|hours?|units?|degrees?))"
    r"(\^ ?\{?[23]\}?)?$"
)
_CHINESE = re.compile(r"(?<=[\d.}])[\u4e00-\u9fff]{1,4}$")
_NEVER_CHINESE = set("或和与不非是十百千万亿半多余约之")

_DIGITS = r"(?:\d+(?:\.\d*)?|\.\d+|[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?)"
_NUMBER = re.compile(rf"([-+]?) ?({_DIGITS})")
_FRACTION = re.compile(r"-?\d{0,9} ?\\frac ?(?:\{\d+\} ?\{\d+\}|\d\d)")
_SCIENTIFIC = re.compile(
    rf"([-+]?) ?({_DIGITS})(?: ?(?:\\times|\\cdot|\*|x) ?10 ?\^ ?\{{? ?([-+]? ?\d{{1,6}}) ?\}}?|[eE]([-+]?\d{{1,6}}))"
)
_REPEATING = re.compile(
    r"([-+]?) ?(\d*)\.(\d*)(?:\\(?:overline|bar|dot) ?\{?(\d+)\}?|\((\d+)\))"
    r"|([-+]?) ?(\d*)\.(\d*?)(?:(\d)\9{2,}|(\d{2,9})\10+) ?\\ldots"
)
_BASED = re.compile(r"\(?([0-9A-F]+)\)?_ ?\{? ?(?:\\text ?\{ ?)?(\d{1,2}|[a-z]+) ?\}?\}?")
_BASES = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
          "twelve": 12, "sixteen": 16}  # fmt: skip


@dataclass(frozen=True)
class Plain:
    """A number as one writes it down.

    places: the digits behind the decimal point; None where the number is written exactly (a repeating decimal).
    base: None for a number without one, which counts as decimal.
    """

    value: Fraction
    places: int | None = 0
    base: int | None = None
    written: str | None = None
    """The digits of a number with a base."""


def plain(text: str) -> Plain | None:
    """The number that a text is, without a unit; None for anything else, an expression of numbers too."""
    if len(text) > _MAX_DIGITS:
        return None
    return _decimal(text) or _scientific(text) or _repeating(text) or _based(text)


def split_unit(text: str) -> tuple[str, str]:
    """A quantity -> (the number or formula, its unit in one spelling; "" where there is none)."""
    if sign := _CURRENCY.match(text):
        return sign[1] + sign[3] + text[sign.end() :], sign[2]
    if text.endswith(("%", "€", "£", "¥", "¢")):
        return text[:-1].rstrip(), text[-1]
    text = _UNIT_FRACTION.sub(r"\\text{\1/\2}", re.sub(r"\} ?/ ?\\text ?\{", "/", text))
    if (degrees := _DEGREES.search(text)) and degrees.start() and not re.search(r"\\(?:sin|cos|tan|cot|sec|csc)", text):
        return text[: degrees.start()].rstrip(), f"°{degrees[1] or ''}"
    if (wrapped := _IN_TEXT.search(text)) and wrapped.start():
        core = text[: wrapped.start()].rstrip()
        unit = _unit(wrapped[1], wrapped[2] or "", alone=False)
        of_variables = re.search(r"[A-Za-z]", re.sub(r"\\[A-Za-z]+", "", core))
        known = unit is not None and (not of_variables or unit.split("^")[0] in {"", *_UNITS.values()})
        return (core, unit or "") if known else (text, "")
    if (chinese := _CHINESE.search(text)) and not _NEVER_CHINESE & set(chinese[0]):
        return text[: chinese.start()], chinese[0]
    if (spoken := _SPOKEN.search(text)) and _counts(text[: spoken.start()]):
        unit = _unit(spoken[1], spoken[2] or "", alone=True)
        return (text, "") if unit is None else (text[: spoken.start()].rstrip(), unit)
    if (after := _AFTER_FORMULA.search(text)) and not re.search(
        r"[A-Za-z]", re.sub(r"\\[A-Za-z]+", "", text[: after.start()])
    ):
        unit = _unit(after[1], after[2] or "", alone=True)
        return (text, "") if unit is None else (text[: after.start()], unit)
    return text, ""


def split_letter(text: str) -> tuple[str, str]:
    """`split_unit` for a unit of one letter, which stands for a variable where no unit is asked for: `3 h`, `100g`."""
    number, letter = text[:-1].rstrip(), text[-1:]
    return (number, _UNITS[letter.casefold()]) if letter in _LETTERS and _counts(number) else (text, "")


def _counts(text: str) -> bool:
    """Whether a text is a number, a fraction or a mixed number, which a unit may follow without a wrapper."""
    return _NUMBER.fullmatch(text.split("/")[0].lstrip("-")) is not None or _FRACTION.fullmatch(text) is not None


def multiplied(text: str) -> tuple[str, int]:
    """`5 million dollars` -> ("5 dollars", 1000000); other texts -> (text, 1)."""
    found = _MULTIPLE.match(text)
    return (found[1] + text[found.end() :], _MULTIPLIERS[found[2]]) if found else (text, 1)


def _unit(words: str, power: str, alone: bool) -> str | None:
    """The one spelling of a unit; None for words that are none.

    alone: whether the words stand without a wrapper, so that a single letter behind a number may be a variable.
    """
    spoken = words.startswith(" ")
    names = words.replace("-", " ").replace(" per ", "/").split()
    powers = {"square": "2", "sq": "2", "squared": "2", "cubic": "3", "cu": "3", "cubed": "3"}
    raised = "".join(powers[name] for name in names if name in powers) or "".join(filter(str.isdigit, power))
    names = [name for name in names if name not in powers]
    known = [_known(name) for name in names]
    if not names or len(names) > 3 or {"?", "!"} & set(words) or any(_never(name.casefold()) for name in names):
        return None
    if alone and not spoken and (len(words) < 2 or None in known):
        return None
    if alone and names != ["m"] and names != ["s"] and any(len(name) < 2 for name in names):
        return None
    unit = " ".join(
        name.casefold().removesuffix("s") if one is None else one for name, one in zip(names, known, strict=True)
    )
    unit = unit.replace("° °", "°")
    return f"{unit}^{raised}" if raised and unit else unit


def _never(name: str) -> bool:
    return bool({name, name.removesuffix("s")} & set(_NEVER_UNITS.split()))


def _known(name: str) -> str | None:
    """The one spelling of a unit such as `inches` or `m/s`; None for a word that the table does not have."""
    parts = [part.casefold() for part in name.split("/")]
    found = [_UNITS.get(part, _UNITS.get(part.removesuffix("s"))) for part in parts]
    return None if None in found else "/".join(part for part in found if part is not None)


def _decimal(text: str) -> Plain | None:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    digits = match[2].replace(",", "")
    return Plain(_signed(match[1], Fraction(digits.rstrip("."))), len(digits.partition(".")[2]))


def _scientific(text: str) -> Plain | None:
    match = _SCIENTIFIC.fullmatch(text)
    if match is None or abs(power := int((match[3] or match[4]).replace(" ", ""))) > _MAX_POWER:
        return None
    digits = match[2].replace(",", "")
    return Plain(_signed(match[1], Fraction(digits) * Fraction(10) ** power), len(digits.partition(".")[2]) - power)


def _repeating(text: str) -> Plain | None:
    match = _REPEATING.fullmatch(text)
    if match is None:
        return None
    sign, whole, fixed, cycle = (
        (*match.groups()[:3], match[4] or match[5])
        if match[4] or match[5]
        else (*match.groups()[5:8], match[9] or match[10])
    )
    scale = 10 ** len(fixed)
    value = Fraction(int(whole + fixed or "0"), scale) + Fraction(int(cycle), scale * (10 ** len(cycle) - 1))
    return Plain(_signed(sign, value), None)


def _based(text: str) -> Plain | None:
    match = _BASED.fullmatch(re.sub(r"\\text ?\{ ?([0-9A-F]+) ?\}", r"\1", text))
    base = None if match is None else _BASES.get(match[2]) or (int(match[2]) if match[2].isdigit() else None)
    if match is None or base is None or not 2 <= base <= 36 or match[1].isalpha():
        return None
    if any(int(digit, 36) >= base for digit in match[1]):
        return None
    return Plain(Fraction(int(match[1], base)), 0, base, match[1].lstrip("0") or "0")


def _signed(sign: str, value: Fraction) -> Fraction:
    return -value if sign == "-" else value
