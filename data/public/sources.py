"""Public data sets of a real-scale run: where each is, what may be done with it, how its rows become ours.

None of the names could be tried against the hub when the table was written: what was not seen in a copy of a data set's
page or in a program that reads it is marked as from memory (`?`), and the error for a missing column says so.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from data.errors import InputError
from data.public.hub_rows import (
    RowFunction,
    ai2_arc,
    ceval,
    conversation,
    dapo,
    gpqa,
    gsm8k,
    hendrycks_math,
    humaneval,
    mbpp,
    messages,
    mgsm,
    openr1_math,
    openthoughts,
    question_answer,
    s1k,
    sciq,
    verifiable_code,
)  # fmt: skip
from data.public.hub_rows_general import beavertails, helpsteer2, ifeval, ifeval_like, ultrafeedback, xstest

Kind = Literal["prompts", "demonstrations", "preferences", "safety", "evaluation"]
REVISIONS = Path(__file__).with_name("revisions.json")


@dataclass(frozen=True)
class Column:
    """A column that a row function reads."""

    type: str
    """text, list, dict, number, truth, or any."""
    verified: bool
    """Whether it was seen in a copy of the hub page or in code that reads it; else it is from memory."""


@dataclass(frozen=True)
class Source:
    """A data set on the hub."""

    repository: str
    kind: Kind
    row: RowFunction
    spec: str
    """The columns that `row` reads, apart by a bar: `name:type?`; text without a type, `?` where from memory."""
    licence: str
    commercial_ok: bool
    domain: str = "math"
    verifier: str = "math"
    language: str | None = "en"
    """None where rows differ: it is then found out from the words of each question."""
    configs: tuple[str | None, ...] = (None,)
    splits: tuple[tuple[str, str], ...] = (("train", "train"),)
    """Our split and the hub's. Where the hub has no validation or test, questions are held out of its train by hash."""
    revision: str = "main"
    """Not pinned: `python -m data.public pin` writes commits, which go before this."""
    licence_verified: bool = True
    gated: bool = False
    group: str | None = None
    """Column whose equal neighbours are read together: `row` then gets a list."""

    @cached_property
    def columns(self) -> dict[str, Column]:
        """What `row` reads."""
        found = {}
        for column in self.spec.split("|"):
            name, _, kind = column.strip().rstrip("?").partition(":")
            found[name] = Column(kind or "text", not column.strip().endswith("?"))
        return found


_MATH_CONFIGS = (
    "algebra", "counting_and_probability", "geometry", "intermediate_algebra", "number_theory", "prealgebra",
    "precalculus",
)  # fmt: skip
_CEVAL_CONFIGS = (
    "accountant", "advanced_mathematics", "art_studies", "basic_medicine", "business_administration",
    "chinese_language_and_literature", "civil_servant", "clinical_medicine", "college_chemistry", "college_economics",
    "college_physics", "college_programming", "computer_architecture", "computer_network", "discrete_mathematics",
    "education_science", "electrical_engineer", "environmental_impact_assessment_engineer", "fire_engineer",
    "high_school_biology", "high_school_chemistry", "high_school_chinese", "high_school_geography",
    "high_school_history", "high_school_mathematics", "high_school_physics", "high_school_politics",
    "ideological_and_moral_cultivation", "law", "legal_professional", "logic", "mao_zedong_thought", "marxism",
    "metrology_engineer", "middle_school_biology", "middle_school_chemistry", "middle_school_geography",
    "middle_school_history", "middle_school_mathematics", "middle_school_physics", "middle_school_politics",
    "modern_chinese_history", "operating_system", "physician", "plant_protection", "probability_and_statistics",
    "professional_tour_guide", "sports_science", "tax_accountant", "teacher_qualification", "urban_and_rural_planner",
    "veterinary_medicine",
)  # fmt: skip
_TRAIN_AND_TEST = (("train", "train"), ("test", "test"))
_ALL_SPLITS = (("train", "train"), ("validation", "validation"), ("test", "test"))
_NOT_CHECKED: dict[str, Any] = {"licence": "not checked", "commercial_ok": False, "licence_verified": False}
_GENERAL: dict[str, Any] = {"domain": "general", "verifier": "none"}
_ONLY_TEST: dict[str, Any] = {"splits": (("test", "test"),)}
_TEST_IN_TRAIN: dict[str, Any] = {"splits": (("test", "train"),)}

SOURCES: dict[str, Source] = {
    # -- prompts with a gold answer or tests
    "gsm8k": Source(
        "openai/gsm8k", "prompts", gsm8k, "question | answer", "MIT", True, configs=("main",), splits=_TRAIN_AND_TEST
    ),
    "hendrycks_math": Source(
        "EleutherAI/hendrycks_math", "prompts", hendrycks_math, "problem | solution | level:any | type:any", "MIT",
        True, configs=_MATH_CONFIGS, splits=_TRAIN_AND_TEST, licence_verified=False,
    ),
    "deepscaler": Source(
        "agentica-org/DeepScaleR-Preview-Dataset", "prompts", question_answer("problem", "answer", "solution"),
        "problem | answer | solution", "MIT", True,
    ),
    "dapo_math_17k": Source(  # each prompt about a hundred times
        "BytedTsinghua-SIA/DAPO-Math-17k", "prompts", dapo, "prompt:list | reward_model:dict", "Apache-2.0", True,
        language=None,
    ),
    "dapo_math_17k_processed_en": Source(
        "open-r1/DAPO-Math-17k-Processed", "prompts", question_answer("prompt", "solution"), "prompt | solution",
        **_NOT_CHECKED, configs=("en",),
    ),
    "dapo_math_17k_processed_cn": Source(
        "open-r1/DAPO-Math-17k-Processed", "prompts", question_answer("prompt", "solution"), "prompt | solution",
        **_NOT_CHECKED, configs=("cn",), language="zh",
    ),
    "verifiable_coding_problems_python": Source(
        "open-r1/verifiable-coding-problems-python", "prompts", verifiable_code,
        "prompt? | gold_standard_solution? | verification_info:any", "none stated", False, "code", "code_tests",
        licence_verified=False,
    ),
    "mbpp": Source(
        "google-research-datasets/mbpp", "prompts", mbpp, "text? | code? | test_list:list? | test_setup_code?",
        "CC-BY-4.0", True, "code", "code_tests", configs=("full",), splits=_TRAIN_AND_TEST, licence_verified=False,
    ),
    "sciq": Source(
        "allenai/sciq", "prompts", sciq, "question | distractor1 | distractor2 | distractor3 | correct_answer",
        "CC-BY-NC-3.0", False, "stem", "choice", splits=_ALL_SPLITS,
    ),
    "ai2_arc": Source(
        "allenai/ai2_arc", "prompts", ai2_arc, "question | choices:dict | answerKey", "CC-BY-SA-4.0", True, "stem",
        "choice", configs=("ARC-Challenge", "ARC-Easy"), splits=_ALL_SPLITS, licence_verified=False,
    ),
    "ifeval_like": Source(
        "argilla/ifeval-like-data", "prompts", ifeval_like,
        "prompt? | response? | instruction_id_list:list? | kwargs:any?", **_NOT_CHECKED, domain="general",
        verifier="instructions", configs=("filtered",),
    ),
    # -- demonstrations: responses to learn from
    "openr1_math_220k": Source(
        "open-r1/OpenR1-Math-220k", "demonstrations", openr1_math,
        "problem | answer | generations:list | correctness_math_verify:list | is_reasoning_complete:list", "Apache-2.0",
        True, configs=("default",),
    ),
    "openthoughts_114k": Source(
        "open-thoughts/OpenThoughts-114k", "demonstrations", openthoughts,
        "problem | deepseek_reasoning | deepseek_solution | ground_truth_solution | domain | source | test_cases:any",
        "Apache-2.0", True, verifier="none", configs=("metadata",),
    ),
    "openthoughts_114k_conversations": Source(
        "open-thoughts/OpenThoughts-114k", "demonstrations", conversation, "conversations:list", "Apache-2.0", True,
        "stem", "none", configs=("default",),
    ),
    "bespoke_stratos_17k": Source(
        "bespokelabs/Bespoke-Stratos-17k", "demonstrations", conversation, "conversations:list?", "Apache-2.0", True,
        "stem", "none", licence_verified=False,
    ),
    "s1k": Source(
        "simplescaling/s1K-1.1", "demonstrations", s1k,
        "question | solution | cot_type | deepseek_thinking_trajectory | deepseek_attempt", "MIT", True,
    ),
    "tulu_3_sft": Source(  # some of its parts are not for commercial use
        "allenai/tulu-3-sft-mixture", "demonstrations", messages, "messages:list", "ODC-BY-1.0, parts differ", False,
        language=None, **_GENERAL,
    ),
    "no_robots": Source(
        "HuggingFaceH4/no_robots", "demonstrations", messages, "messages:list?", "CC-BY-NC-4.0", False,
        splits=_TRAIN_AND_TEST, **_GENERAL,
    ),
    # -- preferences
    "ultrafeedback_binarized": Source(
        "HuggingFaceH4/ultrafeedback_binarized", "preferences", ultrafeedback,
        "prompt? | chosen:list? | rejected:list?", "MIT", True,
        splits=(("train", "train_prefs"), ("test", "test_prefs")), **_GENERAL,
    ),
    "helpsteer2": Source(
        "nvidia/HelpSteer2", "preferences", helpsteer2, "prompt? | response? | helpfulness:number?", "CC-BY-4.0", True,
        splits=(("train", "train"), ("validation", "validation")), group="prompt", **_GENERAL,
    ),
    # -- safety
    "beavertails": Source(
        "PKU-Alignment/BeaverTails", "safety", beavertails, "prompt? | response? | category:dict? | is_safe:truth?",
        "CC-BY-NC-4.0", False, "safety", "none", splits=(("train", "330k_train"), ("test", "330k_test")),
    ),
    "xstest": Source(
        "walledai/XSTest", "safety", xstest, "prompt | label | type:any", "CC-BY-4.0", True, "safety", "none",
        **_ONLY_TEST,
    ),
    # -- evaluation only
    "math_500": Source(
        "HuggingFaceH4/MATH-500", "evaluation", question_answer("problem", "answer", "solution"),
        "problem? | answer? | solution?", **_NOT_CHECKED, **_ONLY_TEST,
    ),
    "aime_2024": Source(
        "HuggingFaceH4/aime_2024", "evaluation", question_answer("problem", "answer", "solution", integer=True),
        "problem? | answer:any? | solution?", **_NOT_CHECKED, **_TEST_IN_TRAIN,
    ),
    "aime_2025": Source(
        "math-ai/aime25", "evaluation", question_answer("problem", "answer", integer=True), "problem | answer:any",
        **_NOT_CHECKED, **_ONLY_TEST,
    ),
    "mgsm_en": Source(
        "juletxara/mgsm", "evaluation", mgsm, "question? | answer_number:number?", "CC-BY-SA-4.0", True,
        configs=("en",), licence_verified=False, **_ONLY_TEST,
    ),
    "mgsm_zh": Source(
        "juletxara/mgsm", "evaluation", mgsm, "question? | answer_number:number?", "CC-BY-SA-4.0", True,
        configs=("zh",), language="zh", licence_verified=False, **_ONLY_TEST,
    ),
    "gpqa_diamond": Source(
        "Idavidrein/gpqa", "evaluation", gpqa,
        "Question | Correct Answer | Incorrect Answer 1 | Incorrect Answer 2 | Incorrect Answer 3", **_NOT_CHECKED,
        domain="stem", verifier="choice", configs=("gpqa_diamond",), gated=True, **_TEST_IN_TRAIN,
    ),
    "ceval": Source(  # the answers of its test split are not public
        "ceval/ceval-exam", "evaluation", ceval, "question | A | B | C | D | answer", "CC-BY-NC-SA-4.0", False, "stem",
        "choice", "zh", _CEVAL_CONFIGS, (("test", "val"),), licence_verified=False,
    ),
    "humaneval": Source(
        "openai/openai_humaneval", "evaluation", humaneval,
        "prompt? | canonical_solution? | test? | entry_point?", "MIT", True, "code", "code_tests",
        licence_verified=False, **_ONLY_TEST,
    ),
    "ifeval": Source(
        "google/IFEval", "evaluation", ifeval, "prompt? | instruction_id_list:list? | kwargs:list?", "Apache-2.0", True,
        "general", "instructions", licence_verified=False, **_TEST_IN_TRAIN,
    ),
}  # fmt: skip
"""By the name that a mixture uses and that rows carry in `task` and `source`."""


def find(name: str) -> Source:
    """The source of a name; InputError for an unknown one."""
    if name not in SOURCES:
        raise InputError(f"no data source is called {name!r}: known are {', '.join(SOURCES)} (data/public/sources.py)")
    return SOURCES[name]


def revision_of(source: Source) -> str:
    """The commit in data/public/revisions.json, else the source's own revision."""
    pinned = json.loads(REVISIONS.read_text()) if REVISIONS.is_file() else {}
    return pinned.get(source.repository, source.revision)


def pin(names: list[str]) -> dict[str, str]:
    """Write the present commit of each source's repository into data/public/revisions.json -> what was written."""
    from huggingface_hub import HfApi

    found = {}
    for name in names:
        source = find(name)
        try:
            found[source.repository] = HfApi().dataset_info(source.repository, revision=source.revision).sha
        except Exception as error:  # whatever the hub's client raises: the reason is in its first line
            reason = (str(error).splitlines() or [""])[0]
            raise InputError(f"source {name}: the hub gives no commit of {source.repository}: {reason}") from error
    pinned = json.loads(REVISIONS.read_text()) if REVISIONS.is_file() else {}
    REVISIONS.write_text(json.dumps(pinned | found, indent=2, sort_keys=True) + "\n")
    return found
