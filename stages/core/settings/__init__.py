"""The settings of every stage script: what a recipe and a scale may say. Imports no torch.

A field is either *of the method* (a paper states it or leaves it out, so a recipe must cite it or say
`undisclosed`) or *of the run* (`run_fields`: data mixture, seeds, memory; a scale's business).
"""

from typing import Literal

from stages.core.settings.common import GRPO, SFT, Evaluation, Pretrain, Pretrained, Report, Settings
from stages.core.settings.kimi import (
    DPO,
    CodeTests,
    LongCotSFT,
    Merge,
    PolicyMirrorDescent,
    PromptCuration,
    ShortestRejectionSampling,
    VanillaSFT,
)
from stages.core.settings.qwen3 import (
    FusionData,
    GeneralTaskRL,
    LongCotColdStartData,
    ModeEvaluation,
    OnPolicyDistillation,
    QueryVerifierPairs,
    ReferenceRewardModel,
    TeacherData,
)
from stages.core.settings.r1 import ColdStartData, GeneralRL, HelpfulRewardModel, RejectionSampling, SafetyRewardModel

SETTINGS: dict[str, type[Settings]] = {
    "base": Pretrain,
    "pretrained": Pretrained,
    "r1_zero": GRPO,
    "cold_start_data": ColdStartData,
    "cold_start_sft": SFT,
    "reasoning_rl": GRPO,
    "rejection_sampling": RejectionSampling,
    "general_sft": SFT,
    "helpful_reward_model": HelpfulRewardModel,
    "safety_reward_model": SafetyRewardModel,
    "general_rl": GeneralRL,
    "distillation": SFT,
    "vanilla_sft": VanillaSFT,
    "code_tests": CodeTests,
    "prompt_curation": PromptCuration,
    "long_cot_sft": LongCotSFT,
    "policy_mirror_descent": PolicyMirrorDescent,
    "merge": Merge,
    "shortest_rejection_sampling": ShortestRejectionSampling,
    "shortest_sft": SFT,
    "long2short_dpo": DPO,
    "long_cot_cold_start_data": LongCotColdStartData,
    "query_verifier_pairs": QueryVerifierPairs,
    "fusion_data": FusionData,
    "thinking_mode_fusion": SFT,
    "reference_reward_model": ReferenceRewardModel,
    "general_task_rl": GeneralTaskRL,
    "distillation_data": TeacherData,
    "on_policy_distillation": OnPolicyDistillation,
    "evaluation": Evaluation,
    "evaluation_in_both_modes": ModeEvaluation,
    "report": Report,
}
"""Stage script -> its settings."""

_DATA = (
    "cold_start_data", "rejection_sampling", "code_tests", "prompt_curation", "shortest_rejection_sampling",
    "long_cot_cold_start_data", "query_verifier_pairs", "fusion_data", "distillation_data",
    "evaluation", "evaluation_in_both_modes",
)  # fmt: skip
PAYLOAD: dict[str, Literal["model", "data", "report"]] = {
    **dict.fromkeys(_DATA, "data"),
    "report": "report",
}
"""Stage script -> what it writes beside its manifest; a script that is not listed writes a `model`."""
