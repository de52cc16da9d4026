"""How many answers a second the rule for mathematics judges: a ratio to Math-Verify, both sides in one run.

    pip install math-verify==0.9.0
    python -m benchmarks.mathematics

Each of 24 formulas is judged by each as its gold, so that nearly all pairs are unequal, in one process and thread. Both
sides judge all pairs once before they are timed, then others of the same kind, so that no side remembers them.
"""

import argparse
import importlib.util
import time
from collections.abc import Callable

FORMULAS = [
    r"\frac{N}{3}", r"\sqrt{N}", r"N\sqrt{2}", r"\frac{\sqrt{N}}{5}", r"N\pi", r"x^2+Nx+1", r"(x+N)(x-1)", r"(N,2)",
    r"\{N,-1\}", r"[0,N)", r"(-\infty,N)\cup(N,\infty)", r"\frac{x+N}{x-1}", r"e^{-N}", r"\ln N", r"\log_2 N",
    r"1\pm\sqrt{N}", r"N-3i", r"\begin{pmatrix}N\\1\end{pmatrix}", r"\sin(Nx)", r"x=N", r"\frac{N\pi}{7}", r"0.N",
    r"2^{N}x", r"y=Nx+1",
]  # fmt: skip


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    sides = {"here": here()}
    if importlib.util.find_spec("math_verify"):
        sides["Math-Verify"] = math_verify()
    speeds = {}
    for name, judge in sides.items():
        pairs_a_second(judge, 11)
        speeds[name] = pairs_a_second(judge, 13)
        print(f"{name:<12} {speeds[name]:>8,.0f} pairs/s {speeds[name] / speeds['here']:>8.3f}", flush=True)


def pairs_a_second(judge: Callable[[str, str], bool], number: int) -> float:
    formulas = [formula.replace("N", str(number)) for formula in FORMULAS]
    started = time.perf_counter()
    for gold in formulas:
        for answer in formulas:
            judge(gold, answer)
    return len(formulas) ** 2 / (time.perf_counter() - started)


def here() -> Callable[[str, str], bool]:
    from data.verifiers.math_answers import MathAnswer

    rule, row = MathAnswer(), {"prompt": [{"role": "user", "content": "How much?"}], "info": "{}"}
    return lambda gold, answer: rule.verify(answer, row | {"answer": gold})  # type: ignore[arg-type]


def math_verify() -> Callable[[str, str], bool]:
    from math_verify import parse, verify

    return lambda gold, answer: verify(parse(f"\\boxed{{{gold}}}"), parse(f"\\boxed{{{answer}}}"))


if __name__ == "__main__":
    main()
