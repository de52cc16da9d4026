r"""One notation for what can be written in many: Unicode, Markdown and plain text become LaTeX, wrappers go.

Every pattern is linear in the text, and `bare` reads no more than MAX_TEXT characters.
"""

import re
import unicodedata

from data.text.chat import boxed

MAX_TEXT = 10_000
ROW = "\ue000"
"""What ends a row of a matrix here: it shares no character with a command."""

_UNICODE = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {
    ord(sign): command
    for signs, command in (
        ("\u2010\u2011\u2012\u2013\u2014\u2212\ufe63", "-"), ("×✕", r"\times "), ("÷", r"\div "), ("⋅·∙•", r"\cdot "),
        ("∞", r"\infty "), ("≤⩽", r"\le "), ("≥⩾", r"\ge "), ("≠", r"\ne "), ("≈", r"\approx "), ("∈", r"\in "),
        ("≡", r"\equiv "), ("℃", r"^\circ C"), ("℉", r"^\circ F"),
        ("∪", r"\cup "), ("∩", r"\cap "), ("∅", r"\emptyset "), ("ℝ", r"\mathbb{R}"), ("ℤ", r"\mathbb{Z}"),
        ("ℕ", r"\mathbb{N}"), ("ℚ", r"\mathbb{Q}"), ("ℂ", r"\mathbb{C}"), ("°º", r"^\circ "), ("→⇒⟶⟹", r"\to "),
        ("↔⇔⟺", r"\leftrightarrow "), ("∧", r"\land "), ("∨", r"\lor "), ("¬", r"\neg "), ("±", r"\pm "),
        ("∓", r"\mp "), ("′’", "'"), ("⟨", r"\langle "), ("⟩", r"\rangle "), ("⌊", r"\lfloor "), ("⌋", r"\rfloor "),
        ("⌈", r"\lceil "), ("⌉", r"\rceil "), ("∖", r"\setminus "), ("∠", r"\angle "), ("…", r"\ldots "), ("⁄∕", "/"),
        ("，、", ","), ("；", ";"), ("\u200b\u200c\u200d\u2060\u2062\ufeff“”\"", ""),
        *((greek, f"\\{name} ") for greek, name in (
            ("α", "alpha"), ("β", "beta"), ("γ", "gamma"), ("δ", "delta"), ("ε", "epsilon"), ("θ", "theta"),
            ("λ", "lambda"), ("μ", "mu"), ("π", "pi"), ("ρ", "rho"), ("σ", "sigma"), ("τ", "tau"), ("φ", "phi"),
            ("ω", "omega"), ("Δ", "Delta"), ("Ω", "Omega"), ("Σ", "Sigma"), ("Φ", "Phi"),
        )),
    )
    for sign in signs
}  # fmt: skip
_RAISED = {"⁺": "+", "⁻": "-", "⁽": "(", "⁾": ")", "ⁿ": "n"}
_RAISED |= {sign: str(digit) for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
_LOWERED = {chr(0x2080 + digit): str(digit) for digit in range(10)}

_SYNONYMS = {
    **dict.fromkeys(("dfrac", "tfrac", "cfrac"), "frac"), **dict.fromkeys(("leq", "leqslant"), "le"),
    **dict.fromkeys(("geq", "geqslant"), "ge"), "neq": "ne", "lt": "<", "gt": ">", "varnothing": "emptyset",
    **dict.fromkeys(("rightarrow", "Rightarrow", "implies", "longrightarrow", "Longrightarrow"), "to"),
    **dict.fromkeys(("Leftrightarrow", "iff", "longleftrightarrow"), "leftrightarrow"), "lnot": "neg",
    "wedge": "land", "vee": "lor", "lvert": "|", "rvert": "|", "vert": "|", "mid": "|", "colon": ":", "dots": "ldots",
    "cdots": "ldots", "lbrace": "{", "rbrace": "}", "ast": "*", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
    "backslash": "setminus", "simeq": "approx", "approxeq": "approx", "varphi": "phi", "varepsilon": "epsilon",
    "degree": "circ", "degrees": "circ", "dbinom": "binom", "tbinom": "binom", "lg": "log",
    "re": "Re", "im": "Im",
    **dict.fromkeys(("textbf", "textit", "textrm", "textsf", "texttt", "textup", "textnormal", "mbox"), "text"),
    **dict.fromkeys(("mathrm", "mathit", "mathsf"), "text"),
    **dict.fromkeys(("boldsymbol", "bm", "vec", "hat", "widehat", "overrightarrow"), "mathbf"),
    **dict.fromkeys(("displaystyle", "textstyle", "limits", "left", "right", "rm", "bf", "large", "Large"), ""),
    **dict.fromkeys(("bigl", "bigr", "Bigl", "Bigr", "big", "Big"), ""),
    **dict.fromkeys(("quad", "qquad", "enspace", "thinspace"), " "), "fbox": "boxed", "par": " ", "newline": " ",
}  # fmt: skip
_INFIXES = {"over": r"\frac", "choose": r"\binom"}
_PLAIN_SIGNS = (("<->", r"\leftrightarrow "), ("->", r"\to "), ("<=", r"\le "), (">=", r"\ge "), ("!=", r"\ne "))
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_FUNCTIONS = "sqrt|pi|sin|cos|tan|cot|ln|log|exp|infinity|theta|alpha|beta"
_PLAIN_FUNCTION = re.compile(rf"(?<![A-Za-z\\])(?:{_FUNCTIONS})(?![A-Za-z])")
_THIN = r"(?:\\[,!;: ]|\{,\}|,\\!|~|')"
_GROUPS = re.compile(rf"(?<![\d.,])\d{{1,3}}(?:(?:{_THIN} ?|,?\\! ?| )\d{{3}})+(?!\d)")
_MIXED = re.compile(r"(?<![\w.^/}\\])(\d{1,20}) (\d{1,20})/(\d{1,20})(?![\w./])")
_ROOT = re.compile(r"([√∛])\s?(?:\((?=[^()]*\))|(?=\{)|(\d+(?:\.\d+)?|[A-Za-z]))")
_PERCENT = re.compile(r"(?<=[\d}.)]) ?(?:\\text\{ ?)?(?:per ?cent|percentage|pct)\b ?\}?")
_BOLD = re.compile(r"(?<![\w)\]}*])(\*\*|__)(?! )([^*_]+)(?<! )\1(?![\w(*])")
_DOLLARS = re.compile(r"(?<!\\)\$([^$]+)(?<!\\)\$")
_MARKDOWN = ("**", "__", "```", "`", "*", "_")
_POWER = re.compile(r"(?<=[\w)}])\*\*(?=[\w({\\-])")
_STYLED = re.compile(r"\\(?:mathbf|underline) ?\{(.*)\}", re.DOTALL)
_COLOUR = re.compile(r"\\(?:text)?color ?\{ ?\w+ ?\}")
_ORDINAL = re.compile(r"(?<=\d) ?(?:\^ ?\{? ?(?:\\text ?\{ ?)?|\\text ?\{ ?)(st|nd|rd|th)(?![A-Za-z])(?: ?\}){0,2}")
_INFIX = re.compile(r"\{([^{}]*)\\(over|choose)(?![A-Za-z])([^{}]*)\}")
_FUNCTION_IN_TEXT = re.compile(r"\\text ?\{ ?\\?((?:a|arc)?(?:sin|cos|tan)|cot|csc|ln|log|exp) ?\}")
_SIGN_IN_TEXT = re.compile(r"\\text ?\{ ?(\\?[$%]) ?\}")
_THOUSANDS = re.compile(
    r"(?:(?<=\\frac\{)|(?<=\}\{))\d{1,3}(?:,\d{3})+(?=\})|^-?[1-9]\d{0,2}(?:,\d{3})+(?= ?\\(?:pi|sqrt)[^,]*$)"
)
_ANY_INTEGER = re.compile(r",? ?\(? ?([a-z]) ?\\in ?(?:\\mathbb ?\{ ?)?([ZNQR]) ?\}?\)?$")
_MODULO = re.compile(r"\(? ?\\?(?:pmod|bmod|mod)(?![A-Za-z]) ?\{? ?(\w+) ?\}? ?\)?")
_SYSTEM = re.compile(r"\\left ?\\\{ ?\\begin ?\{array\} ?(?:\{[lcr ]{0,9}\})?|\\end ?\{array\} ?\\right ?\.")
_WHOLE_TEXT = re.compile(r"\\text ?\{([^{}]*)\}")
_LETTER_IN_TEXT = re.compile(r"\\text ?\{ ?([eid]) ?\}|\\mathbf ?\{?([A-Za-z])\}?(?![A-Za-z])")
_SPOKEN = re.compile(r"(?<=.)\\text ?\{ ?,? ?(and|or) ?\}")
_SPOKEN_CHINESE = re.compile(r"(?<=[\d})]) ?([和与或]) ?")
_END = " \t\n\\.,;:\u3002\uff0c\uff1b\uff1a"


def bare(text: str) -> str:
    """The formula itself, in one notation: without box, dollars, Markdown, spacing commands and full stop.

    A word that is the whole answer stands without its wrapper, a letter without its parentheses.
    """
    text = _latex(text[:MAX_TEXT])
    for _ in range(8):
        before, text = text, _unwrapped(text)
        if text == before:
            break
    return text[1:-1] if re.fullmatch(r"\([A-Za-z]\)", text) else text


def spelled(text: str) -> str:
    """A formula for a reader's eye: rows of a matrix end as they do in LaTeX."""
    return text.replace(ROW, r" \\ ")


def squeezed(text: str) -> str:
    """A formula without its spaces, but for those between two digits."""
    return re.sub(r"(?<!\d)\s+|\s+(?!\d)", "", text)


def flat(text: str) -> str:
    """A formula without spaces and needless braces: what is compared sign by sign."""
    return re.sub(r"\{(\w)\}", r"\1", squeezed(text))


def _latex(text: str) -> str:
    """Unicode and plain text as LaTeX commands, each under one name; spaces are single."""
    text = text.replace(r"\\", ROW) if r"\begin" in text else re.sub(r"\\\\(?=[A-Za-z])", r"\\", text)
    text = _SYSTEM.sub(lambda found: r"\end{cases}" if found[0].startswith(r"\end") else r"\begin{cases}", text)
    text = re.sub("[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒]", _vulgar, text)
    text = re.sub(
        f"[{''.join(_RAISED)}]+", lambda found: "^{" + "".join(_RAISED[sign] for sign in found[0]) + "}", text
    )
    text = re.sub(
        f"[{''.join(_LOWERED)}]+", lambda found: "_{" + "".join(_LOWERED[sign] for sign in found[0]) + "}", text
    )
    text = " ".join(text.translate(_UNICODE).split())
    for plain, command in _PLAIN_SIGNS:
        text = text.replace(plain, command)
    text = _ROOT.sub(_root, text).replace("√", r"\sqrt ").replace("∛", r"\sqrt[3] ")
    text = _GROUPS.sub(lambda found: re.sub(r"\D", "", found[0]), text)
    text = re.sub(r"\\operatorname ?\*? ?\{ ?(e|[A-Za-z]{2,}) ?\}", _operator, re.sub(r"\.{3,}", r"\\ldots ", text))
    text = _COMMAND.sub(_renamed, _COLOUR.sub(" ", text))
    text = re.sub(r"\\[,;:! ()\[\]]|~", " ", text).replace("{,}", ",").replace(r"\%", "%")
    text = _DOLLARS.sub(r"\1", text.replace("$$", "$"))
    text = re.sub(r"\\text ?\{ ?\}", " ", text)
    text = _PERCENT.sub("%", _POWER.sub("^", _BOLD.sub(r"\2", text)))
    text = _PLAIN_FUNCTION.sub(_command, _SIGN_IN_TEXT.sub(r"\1", text))
    text = _FUNCTION_IN_TEXT.sub(lambda found: f"\\{_SYNONYMS.get(found[1], found[1])} ", text)
    text = _INFIX.sub(lambda found: rf"{_INFIXES[found[2]]}{{{found[1]}}}{{{found[3]}}}", _ORDINAL.sub(r"\1", text))
    text = _MODULO.sub(r"\\pmod \1", text) if r"\equiv" in text else text
    text = _ANY_INTEGER.sub(r", \1 \\in \\mathbb{\2}", text)
    text = _THOUSANDS.sub(lambda found: found[0].replace(",", ""), text)
    text = _SPOKEN_CHINESE.sub(lambda found: " or " if found[1] == "或" else " and ", text)
    text = _SPOKEN.sub(r" \1 ", _LETTER_IN_TEXT.sub(r" \1\2 ", text))
    return _MIXED.sub(r"\1\\frac{\2}{\3}", " ".join(text.split()))


def _unwrapped(text: str) -> str:
    """One layer less of what stands around an answer."""
    inside = boxed(text)
    text = (text if inside is None else inside).strip().rstrip(_END).lstrip(" #:,;\u3002")
    for mark in _MARKDOWN:
        inner = text[len(mark) : len(text) - len(mark)]
        if text.startswith(mark) and text.endswith(mark) and inner.strip() and mark not in inner:
            return inner.strip()
    text = text.removesuffix("$").rstrip() if text.count("$") == 1 else text
    for mark in ("**", "`"):  # half a pair: the other half stands around more than the answer
        if text.count(mark) == 1:
            text = text.removeprefix(mark).removesuffix(mark).strip()
    styled = _STYLED.fullmatch(text)
    if styled and re.search(r"[\d\\]", styled[1]) and _balanced(styled[1]):
        return styled[1].strip()
    whole = _WHOLE_TEXT.fullmatch(text)
    return whole[1].strip() if whole else text


def _balanced(text: str) -> bool:
    """Whether no brace closes one that was opened before the text."""
    depth = 0
    for sign in re.findall(r"\\[{}]|[{}]", text):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if depth < 0:
            return False
    return depth == 0


def _operator(found: re.Match) -> str:
    return found[1] if found[1] == "e" else f"\\{found[1]} "


def _vulgar(found: re.Match) -> str:
    above, below = unicodedata.normalize("NFKC", found[0]).split("\u2044")
    return rf"\frac{{{above}}}{{{below}}}"


def _root(found: re.Match) -> str:
    root = r"\sqrt" if found[1] == "√" else r"\sqrt[3]"
    return rf"{root}{{{found[2]}}}" if found[2] else root + ("(" if found[0].endswith("(") else "")


def _renamed(found: re.Match) -> str:
    name = _SYNONYMS.get(found[1], found[1])
    if name in ("{", "}"):
        return f"\\{name}"
    return f"\\{name}" if name[:1].isalpha() else f" {name} " if name else " "


def _command(found: re.Match) -> str:
    return "\\infty " if found[0] == "infinity" else f"\\{found[0]}"
