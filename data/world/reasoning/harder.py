"""Families of the world with more to do than in any training data: for evaluations alone (benchmark `extrapolation`).

Not among them: a choice of more options, or a formula of more variables, as their letters would be new tokens.
"""

from data.world.reasoning.chains import Arithmetic, CodeOutput, WordProblem
from data.world.reasoning.expressions import Expression
from data.world.reasoning.search import PairSearch

_LENGTHS = {6: 1, 7: 1}


class LongArithmetic(Arithmetic):
    """Six or seven steps instead of two to five."""

    name, lengths = "long_arithmetic", _LENGTHS


class LongWordProblem(WordProblem):
    """Six or seven events."""

    name, lengths = "long_word_problem", _LENGTHS


class LongCodeOutput(CodeOutput):
    """Six or seven assignments."""

    name, lengths = "long_code_output", _LENGTHS


class LongExpression(Expression):
    """Four operations instead of two or three."""

    name, sizes = "long_expression", (4,)


class LongPairSearch(PairSearch):
    """Seven or eight numbers instead of four to six."""

    name, sizes = "long_pair_search", (7, 8)
