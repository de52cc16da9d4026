"""Results that the papers print, in percent: beside a run's where it asked the same data set, else apart from it."""

from typing import NamedTuple

from data.text.modes import Mode


class Published(NamedTuple):
    """A row of a paper's table: the paper's name of what was measured, and a value for each column.

    data_set, metric: ours (data/public/sources.py), where the project has that data set; no other stands beside it.
    """

    name: str
    values: tuple[float | None, ...]
    data_set: str | None = None
    metric: str = "pass@1"


class PaperTable(NamedTuple):
    """A table of a paper: its columns by the paper's label and by our stage, of checkpoints in one mode.

    A column without a stage is a model that this project does not make. steps: whether each column is made from the
    one to its left, so that a row has a shape.
    """

    source: str
    labels: tuple[str, ...]
    stages: tuple[str | None, ...]
    mode: Mode | None
    rows: tuple[Published, ...]
    steps: bool = True


# -- DeepSeek-R1

STAGES = ("r1_zero", "cold_start_sft", "reasoning_rl", "general_sft", "general_rl")
"""Our name of each column of R1's Table 3."""
STAGE_LABELS = ("R1-Zero", "R1-Dev1", "R1-Dev2", "R1-Dev3", "R1")

R1_TABLE_3 = PaperTable(
    "arXiv 2501.12948v2, Table 3",
    STAGE_LABELS,
    STAGES,
    None,
    (
        Published("AIME 2024 (pass@1)", (77.9, 59.0, 74.0, 78.1, 79.8), "aime_2024"),
        Published("MATH-500 (pass@1)", (95.9, 94.2, 95.9, 95.4, 97.3), "math_500"),
        Published("CNMO 2024 (pass@1)", (88.1, 58.0, 73.9, 77.3, 78.8)),
        Published("GPQA Diamond (pass@1)", (75.8, 66.1, 70.7, 71.2, 71.5), "gpqa_diamond"),
        Published("LiveCodeBench (pass@1)", (50.0, 57.5, 63.5, 64.6, 65.9)),
        Published("Codeforces (rating)", (1444, 1534, 1687, 1746, 2029)),
        Published("SWE Verified", (43.2, 39.6, 44.6, 45.6, 49.2)),
        Published("Aider-Polyglot", (12.2, 6.7, 25.6, 44.8, 53.3)),
        Published("IF-Eval (prompt strict)", (46.6, 71.7, 72.0, 78.1, 83.3), "ifeval", "followed"),
        Published("AlpacaEval 2.0 (LC win rate)", (24.7, 50.1, 55.8, 62.1, 87.6)),
        Published("Arena-Hard (win rate)", (53.6, 77.0, 73.2, 75.6, 92.3)),
        Published("MMLU", (88.8, 89.1, 91.2, 91.0, 90.8)),
        Published("MMLU-Pro", (68.9, 74.1, 83.8, 83.1, 84.0)),
        Published("C-Eval (EM)", (92.8, 85.7, 91.9, 86.4, 91.8)),  # its test split; the answers of ours are of another
    ),
)
R1_TABLE_14 = PaperTable(
    "arXiv 2501.12948v2, Table 14: LiveCodeBench by difficulty",
    STAGE_LABELS,
    STAGES,
    None,
    (
        Published("easy", (98.1, 99.5, 100.0, 100.0, 100.0)),
        Published("medium", (58.8, 73.3, 81.8, 81.4, 83.5)),
        Published("hard", (17.1, 23.2, 30.4, 33.2, 34.4)),
    ),
)
R1_TABLE_6 = PaperTable(
    "arXiv 2501.12948v1, Table 6; v2, Table 16: distillation or RL for a smaller model",
    ("R1-Distill-Qwen-32B", "R1-Zero-Qwen-32B"),
    ("distillation", "small_rl"),
    None,
    (
        Published("AIME 2024 (pass@1)", (72.6, 47.0), "aime_2024"),
        Published("AIME 2024 (cons@64)", (83.3, 60.0), "aime_2024", "cons@64"),
        Published("MATH-500 (pass@1)", (94.3, 91.6), "math_500"),
        Published("GPQA Diamond (pass@1)", (62.1, 55.0), "gpqa_diamond"),
        Published("LiveCodeBench (pass@1)", (57.2, 40.2)),
    ),
    steps=False,
)

# -- Kimi k1.5

_KIMI = "arXiv 2501.12599 (March 2025)"
KIMI_TABLE_2 = PaperTable(
    f"{_KIMI}, Table 2: long thoughts",
    ("Kimi k1.5", "o1", "o1-mini", "QwQ-32B-Preview"),
    ("policy_mirror_descent", None, None, None),
    None,
    (
        Published("MATH-500", (96.2, 94.8, 90.0, 90.6), "math_500"),
        Published("AIME 2024", (77.5, 74.4, 63.6, 50.0), "aime_2024"),
        Published("Codeforces (percentile)", (94.0, 94.0, 88.0, 62.0)),
        Published("LiveCodeBench v5", (62.5, 67.2, 53.1, 40.6)),
    ),
    steps=False,
)
KIMI_TABLE_3 = PaperTable(
    f"{_KIMI}, Table 3: short thoughts",
    ("Kimi k1.5", "DeepSeek-V3", "GPT-4o", "Claude-3.5", "Qwen2.5-72B"),
    ("long2short_rl", None, None, None, None),
    None,
    (
        Published("MATH-500", (94.6, 90.2, 74.6, 78.3, 80.0), "math_500"),
        Published("AIME 2024", (60.8, 39.2, 9.3, 16.0, 23.3), "aime_2024"),
        Published("HumanEval-Mul", (81.5, 82.6, 80.5, 81.7, 77.3)),  # several languages; ours has Python alone
        Published("LiveCodeBench v4", (47.3, 40.5, 33.4, 36.3, 31.1)),
        Published("IF-Eval (of an intermediate model, App. C)", (87.2, 86.1, 84.3, 86.5, 84.1)),
        Published("MMLU", (87.4, 88.5, 87.2, 88.3, 85.3)),
        Published("CLUEWSC", (91.7, 90.9, 87.9, 85.4, 91.4)),
        Published("C-Eval", (88.3, 86.5, 76.0, 76.7, 86.1)),
    ),
    steps=False,
)


class TokenPoint(NamedTuple):
    """A point of a figure of accuracy against length: accuracy in percent, the mean tokens where the text says them."""

    label: str
    stage: str
    name: str
    data_set: str
    accuracy: float
    tokens: int | None


KIMI_FIG_7_SOURCE = f"{_KIMI}, Fig. 7 and s.3.4"
KIMI_FIG_7 = (
    TokenPoint("k1.5-short with RL", "long2short_rl", "AIME 2024", "aime_2024", 60.8, 3272),
    TokenPoint("k1.5-shortest", "shortest_sft", "MATH-500", "math_500", 88.2, None),
)
"""The points that the text gives in numbers."""

# -- Qwen3

_QWEN3 = "arXiv 2505.09388v1"
_FUSED = ("thinking_mode_fusion", "general_rl")
QWEN3_TABLE_22 = (
    PaperTable(
        f"{_QWEN3}, Table 22 (Qwen3-32B), thinking",
        ("Stage 2", "Stage 3", "Stage 4"),
        ("reasoning_rl", *_FUSED),
        "thinking",
        (
            Published("AIME 2024", (83.8, 81.9, 81.4), "aime_2024"),
            Published("LiveCodeBench v5", (68.4, 67.2, 65.7)),
            Published("GPQA Diamond", (68.8, 69.0, 68.4), "gpqa_diamond"),
            Published("MMLU-Redux", (91.4, 91.0, 90.9)),
            Published("IFEval (prompt strict)", (73.0, 78.4, 85.0), "ifeval", "followed"),
            Published("Multi-IF", (61.4, 64.6, 73.0)),
            Published("LiveBench 2024-11-25", (68.6, 70.9, 74.9)),
            Published("Arena-Hard", (86.8, 89.4, 93.8)),
            Published("CounterFactQA", (50.4, 61.3, 68.1)),
            Published("LengthCtrl", (62.6, 70.6, 73.5)),
            Published("ThinkFollow (both modes)", (None, 88.7, 98.9)),
            Published("BFCL v3", (69.0, 68.4, 70.3)),
            Published("ToolUse", (63.3, 70.4, 85.5)),
        ),
    ),
    PaperTable(
        f"{_QWEN3}, Table 22 (Qwen3-32B), non-thinking",
        ("Stage 3", "Stage 4"),
        _FUSED,
        "non_thinking",
        (
            Published("AIME 2024", (28.5, 31.0), "aime_2024"),
            Published("LiveCodeBench v5", (31.1, 31.3)),
            Published("GPQA Diamond", (50.4, 54.6), "gpqa_diamond"),
            Published("MMLU-Redux", (86.7, 85.7)),
            Published("IFEval (prompt strict)", (78.4, 83.2), "ifeval", "followed"),
            Published("Multi-IF", (65.2, 70.7)),
            Published("LiveBench 2024-11-25", (57.1, 59.8)),
            Published("Arena-Hard", (88.5, 92.8)),
            Published("CounterFactQA", (64.3, 66.4)),
            Published("LengthCtrl", (84.9, 87.3)),
            Published("ThinkFollow (both modes)", (88.7, 98.9)),
            Published("BFCL v3", (61.5, 63.0)),
            Published("ToolUse", (73.2, 86.5)),
        ),
    ),
)
"""The stages in each mode, in two tables. CounterFactQA, LengthCtrl, ThinkFollow and ToolUse are the paper's own."""

TABLE_21_STAGES = ("off_policy_distillation", "student_rl", "on_policy_distillation")
"""Our name of each method of Qwen3's Table 21."""
TABLE_21_METHODS = ("off-policy distillation", "+ RL", "+ on-policy distillation")
QWEN3_TABLE_21 = PaperTable(
    f"{_QWEN3}, Table 21 (Qwen3-8B)",
    TABLE_21_METHODS,
    TABLE_21_STAGES,
    "thinking",
    (
        Published("AIME 2024", (55.0, 67.6, 74.4), "aime_2024"),
        Published("AIME 2024 (pass@64)", (90.0, 90.0, 93.3), "aime_2024", "pass@64"),
        Published("AIME 2025", (42.8, 55.5, 65.5), "aime_2025"),
        Published("AIME 2025 (pass@64)", (83.3, 83.3, 86.7), "aime_2025", "pass@64"),
        Published("MATH-500", (92.4, 94.8, 97.0), "math_500"),
        Published("LiveCodeBench v5", (42.0, 52.9, 60.3)),
        Published("MMLU-Redux", (86.4, 86.9, 88.3)),
        Published("GPQA Diamond", (55.6, 61.3, 63.3), "gpqa_diamond"),
    ),
    steps=False,
)
TABLE_21_HOURS = (None, 17_920, 1_800)
"""GPU hours of each method."""

QWEN3_FIG_2_SOURCE = f"{_QWEN3}, Fig. 2 (Qwen3-235B-A22B)"
FIG_2_BUDGETS = (1024, 2048, 4096, 8192, 16_384, 32_768)
"""Thinking budgets in tokens: the first six values of each row; the seventh is without thinking."""
QWEN3_FIG_2 = (
    Published("AIME 2024", (42.0, 43.0, 56.0, 72.5, 84.0, 86.5, 40.0), "aime_2024"),
    Published("AIME 2025", (30.5, 35.5, 42.5, 59.5, 76.5, 81.5, 25.0), "aime_2025"),
    Published("LiveCodeBench v5", (45.0, 48.0, 52.0, 59.0, 65.5, 68.0, 35.3)),
    Published("GPQA Diamond", (64.2, 64.3, 68.1, 70.3, 70.6, 72.0, 62.9), "gpqa_diamond"),
)
"""Read off the figure, to within 0.7."""

# -- the lecture

ALPACA_FARM = PaperTable(
    "CS336 (2025) lecture 16, slides 8 and 23: AlpacaFarm, win rate against Davinci003",
    ("SFT 52k", "expert iteration", "best of 1024", "DPO", "PPO", "ChatGPT", "GPT-4"),
    (None,) * 7,
    None,
    (
        Published("simulated judges", (39.2, 41.9, 45.0, 46.8, 46.8, 61.4, 79.0)),
        Published("people", (40.7, 45.7, 50.7, None, 55.1, 52.9, 69.8)),
    ),
    steps=False,
)
DEEPSEEK_MATH = PaperTable(
    "arXiv 2402.03300 (DeepSeekMath 7B), chain of thought; lecture 16, slide 34",
    ("before RL", "after GRPO"),
    (None, None),
    None,
    (Published("GSM8K", (82.9, 88.2)), Published("MATH", (46.8, 51.7))),
    steps=False,
)
DR_GRPO = PaperTable(
    "sail-sg/understand-r1-zero (Qwen2.5-Math-7B); lecture 16, slide 36",
    ("Dr. GRPO",),
    (None,),
    None,
    (Published("AIME 2024", (43.3,)),),
    steps=False,
)
LECTURE = (
    ({"advantage_scaling"}, DEEPSEEK_MATH),
    ({"advantage_scaling"}, DR_GRPO),
    ({"helpful_normalisation", "preference_normalisation", "beta"}, ALPACA_FARM),
)
"""Settings by which a stage's method is known (GRPO; RL on a preference model, or DPO), and the table it belongs to."""
