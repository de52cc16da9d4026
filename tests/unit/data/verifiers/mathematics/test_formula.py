"""Formulas are read and worked out as sympy writes and works them out."""

import random
from fractions import Fraction

import pytest
import sympy

from data.verifiers.mathematics.formula import NotAFormula, parse
from data.verifiers.mathematics.notation import bare
from data.verifiers.mathematics.value import Undefined, equal_values, evaluate, same_formula, variables

X, Y = sympy.symbols("x y")
POINT = {"x": Fraction(7, 4), "y": Fraction(-3, 8)}


def drawn(rng: random.Random, depth: int) -> sympy.Expr:
    """A random formula of x, y, e, pi and i."""
    if depth == 0:
        leaves = (X, Y, sympy.pi, sympy.E, sympy.I, sympy.Rational(rng.randint(1, 9), rng.randint(1, 9)))
        return rng.choice(leaves)
    one, other = drawn(rng, depth - 1), drawn(rng, depth - 1)
    return rng.choice(
        (
            lambda: one + other, lambda: one - other, lambda: one * other, lambda: one / other,
            lambda: one ** rng.randint(-2, 3), lambda: sympy.sqrt(one), lambda: sympy.sin(one), lambda: sympy.exp(one),
            lambda: sympy.log(one), lambda: sympy.Abs(one), lambda: sympy.cos(one) ** 2, lambda: sympy.tan(other),
            lambda: sympy.floor(sympy.Rational(rng.randint(-9, 9), 4)), lambda: sympy.factorial(rng.randint(0, 6)),
            lambda: sympy.binomial(rng.randint(4, 9), rng.randint(0, 4)), lambda: sympy.cosh(one),
        )
    )()  # fmt: skip


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_values_are_those_of_sympy(depth):
    rng, judged = random.Random(depth), 0
    for _ in range(150):
        formula = drawn(rng, depth)
        at_point = formula.subs({X: sympy.Rational(7, 4), Y: sympy.Rational(-3, 8)})
        wanted = complex(at_point.evalf(30)) if at_point.is_finite and not at_point.has(sympy.zoo, sympy.nan) else None
        if wanted is None or not 1e-9 < abs(wanted) < 1e9:
            continue
        text = bare(sympy.latex(formula, ln_notation=True))
        try:
            found = complex(evaluate(parse(text), POINT))
        except NotAFormula as error:
            raise AssertionError(text) from error
        assert abs(found - wanted) < 1e-9 * abs(wanted), (text, found, wanted)
        judged += 1
    assert judged > 75


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1\\frac12", Fraction(3, 2)), ("-1\\frac12", Fraction(-3, 2)), ("2\\frac{3}{2}", Fraction(3)),
        ("2^{3}\\frac12", Fraction(4)), ("2(\\frac12)", Fraction(1)), ("-2^2", Fraction(-4)), ("2^-1", Fraction(1, 2)),
        ("2^{3^2}", Fraction(512)), ("1/2/2", Fraction(1, 4)), ("3-2-1", Fraction(0)), ("2\\cdot-3", Fraction(-6)),
        ("\\sqrt[3]{-8}", Fraction(-2)), ("8^{2/3}", Fraction(4)), ("\\sqrt{\\frac49}", Fraction(2, 3)),
        ("|-3|", Fraction(3)), ("|2-|3-7||", Fraction(2)), ("\\lceil 2.1\\rceil", Fraction(3)),
        ("\\gcd(12, 18)", Fraction(6)), ("\\max(1, \\frac32)", Fraction(3, 2)), ("17\\bmod 5", Fraction(2)),
        ("3!!", Fraction(720)), ("50\\%", Fraction(1, 2)), ("\\log_2 8-3", Fraction(0)), ("\\sin\\pi", Fraction(0)),
        ("\\lfloor\\log_2 8\\rfloor", Fraction(3)), ("10^{-30}", Fraction(1, 10**30)),
        ("\\sqrt2+\\sqrt3-\\sqrt{5+2\\sqrt6}", Fraction(0)),
    ],
)  # fmt: skip
def test_exact_values(text, value):
    found = evaluate(parse(bare(text)))
    assert found == value and equal_values(found, value)


@pytest.mark.parametrize("text", ["", "+", "2 3", "x2", "(1", "1)", "--1", "\\frac{1}", "x^", "1..2", "\\foo"])
def test_no_formulas(text):
    with pytest.raises(NotAFormula):
        parse(text)


@pytest.mark.parametrize("text", ["1/0", "0^{-1}", "\\ln 0", "\\tan 90^\\circ", "10^{10^{10}}", "\\infty-\\infty"])
def test_formulas_without_a_value(text):
    with pytest.raises(Undefined):
        evaluate(parse(bare(text)))


@pytest.mark.parametrize("name", ["x", "y", "n", "a", "t", "\\theta", "x_1", "AB"])
def test_formulas_differ_for_a_variable_of_any_name(name):
    """The points at which a variable is tried are drawn from its name: each draw must tell these apart."""
    name = f"\\overline{{{name}}}" if name == "AB" else name
    pairs = [
        ("|V|", "V"),
        ("\\sqrt{V^2}", "V"),
        ("(-1)^V", "1"),
        ("V^2", "V^3"),
        ("\\ln V^2", "2\\ln V"),
        ("V", "V+10^{-90}"),
    ]
    for one, other in pairs:
        first, second = (parse(bare(text.replace("V", name))) for text in (one, other))
        assert not same_formula(first, second), (one, name)
        assert same_formula(first, first) and len(variables(first)) == 1
