"""Results that the papers print, for the shape of a run's results to be set beside."""

from typing import NamedTuple

from data.text.modes import Mode

SOURCE = "arXiv 2501.12948v2, Table 3"
STAGES = ("r1_zero", "cold_start_sft", "reasoning_rl", "general_sft", "general_rl")
"""Our name of each column of Table 3."""
STAGE_LABELS = ("R1-Zero", "R1-Dev1", "R1-Dev2", "R1-Dev3", "R1")


class Published(NamedTuple):
    """One row of a paper's table: `benchmark` and `metric` are ours, `name` is its nearest benchmark, in percent."""

    benchmark: str
    metric: str
    name: str
    values: tuple[float | None, ...]


TABLE_3 = (
    Published("math", "pass@1", "AIME 2024 (pass@1)", (77.9, 59.0, 74.0, 78.1, 79.8)),
    Published("math", "pass@1", "MATH-500 (pass@1)", (95.9, 94.2, 95.9, 95.4, 97.3)),
    Published("code", "pass@1", "LiveCodeBench (pass@1)", (50.0, 57.5, 63.5, 64.6, 65.9)),
    Published("stem", "pass@1", "GPQA Diamond (pass@1)", (75.8, 66.1, 70.7, 71.2, 71.5)),
    Published("chinese", "pass@1", "CNMO 2024 (pass@1)", (88.1, 58.0, 73.9, 77.3, 78.8)),
    Published("chinese", "pass@1", "C-Eval (EM)", (92.8, 85.7, 91.9, 86.4, 91.8)),
    Published("instruction_following", "followed", "IF-Eval (prompt strict)", (46.6, 71.7, 72.0, 78.1, 83.3)),
    Published("general", "win_rate", "AlpacaEval 2.0 (LC win rate)", (24.7, 50.1, 55.8, 62.1, 87.6)),
    Published("general", "win_rate", "Arena-Hard (win rate)", (53.6, 77.0, 73.2, 75.6, 92.3)),
)


class PaperTable(NamedTuple):
    """A table of a paper: its columns by the paper's label and by our stage, of checkpoints in one mode."""

    source: str
    labels: tuple[str, ...]
    stages: tuple[str, ...]
    mode: Mode | None
    rows: tuple[Published, ...]


R1_TABLE_3 = PaperTable(SOURCE, STAGE_LABELS, STAGES, None, TABLE_3)

_TABLE_22 = "arXiv 2505.09388v1, Table 22 (Qwen3-32B)"
_FUSED = ("thinking_mode_fusion", "general_rl")
QWEN3_TABLE_22 = (
    PaperTable(
        f"{_TABLE_22}, thinking",
        ("Stage 2", "Stage 3", "Stage 4"),
        ("reasoning_rl", *_FUSED),
        "thinking",
        (
            Published("math", "pass@1", "AIME 2024", (83.8, 81.9, 81.4)),
            Published("code", "pass@1", "LiveCodeBench v5", (68.4, 67.2, 65.7)),
            Published("stem", "pass@1", "GPQA Diamond", (68.8, 69.0, 68.4)),
            Published("stem", "pass@1", "MMLU-Redux", (91.4, 91.0, 90.9)),
            Published("instruction_following", "followed", "IFEval (prompt strict)", (73.0, 78.4, 85.0)),
            Published("instruction_following", "followed", "Multi-IF", (61.4, 64.6, 73.0)),
            Published("general", "win_rate", "Arena-Hard", (86.8, 89.4, 93.8)),
            Published("think_follow", "followed", "ThinkFollow (both modes)", (None, 88.7, 98.9)),
            Published("length_control", "length_score", "LengthCtrl", (62.6, 70.6, 73.5)),
        ),
    ),
    PaperTable(
        f"{_TABLE_22}, non-thinking",
        ("Stage 3", "Stage 4"),
        _FUSED,
        "non_thinking",
        (
            Published("math", "pass@1", "AIME 2024", (28.5, 31.0)),
            Published("code", "pass@1", "LiveCodeBench v5", (31.1, 31.3)),
            Published("stem", "pass@1", "GPQA Diamond", (50.4, 54.6)),
            Published("stem", "pass@1", "MMLU-Redux", (86.7, 85.7)),
            Published("instruction_following", "followed", "IFEval (prompt strict)", (78.4, 83.2)),
            Published("instruction_following", "followed", "Multi-IF", (65.2, 70.7)),
            Published("general", "win_rate", "Arena-Hard", (88.5, 92.8)),
            Published("think_follow", "followed", "ThinkFollow (both modes)", (88.7, 98.9)),
            Published("length_control", "length_score", "LengthCtrl", (84.9, 87.3)),
        ),
    ),
)
"""The stages in each mode, in two tables; benchmarks without a counterpart here are left out (LiveBench,
CounterFactQA, BFCL, ToolUse)."""

DISTILLATION_SOURCE = "arXiv 2501.12948v1, Table 6; v2, Table 16"
DISTILLATION = (
    ("AIME 2024 (pass@1)", 72.6, 47.0),
    ("MATH-500 (pass@1)", 94.3, 91.6),
    ("GPQA Diamond (pass@1)", 62.1, 55.0),
    ("LiveCodeBench (pass@1)", 57.2, 40.2),
)
"""Benchmark, R1-Distill-Qwen-32B, R1-Zero-Qwen-32B (RL on the same base), in percent."""

TABLE_21_SOURCE = "arXiv 2505.09388v1, Table 21: Qwen3-8B, pass@1 (pass@64)"
TABLE_21 = (
    ("off-policy distillation", "AIME 2024 55.0 (90.0), GPQA Diamond 55.6", None),
    ("+ RL", "AIME 2024 67.6 (90.0), GPQA Diamond 61.3", 17_920),
    ("+ on-policy distillation", "AIME 2024 74.4 (93.3), GPQA Diamond 63.3", 1_800),
)
"""Method, results in percent, GPU hours."""
TABLE_21_STAGES = ("off_policy_distillation", "student_rl", "on_policy_distillation")
"""Our name of each row of Table 21."""
