"""Settings that make no sense are refused when a run is planned: one sentence with the setting's name."""

import math
from functools import cache

import pytest
from pydantic import TypeAdapter, ValidationError

from data.errors import InputError
from stages.core.pipeline.recipe import load_recipe
from stages.core.pipeline.scale import load_scale
from stages.core.pipeline.schema import adapter, recipe_file
from stages.core.pipeline.scripts import all_scripts
from stages.core.pipeline.workspace import Stage, resolve

INF, NAN = math.inf, math.nan


@cache
def loaded(recipe: str, scale: str):
    return load_recipe(recipe_file(recipe)), load_scale(scale)


def planned(stage: str, settings: dict, scale: str = "smoke") -> dict[str, Stage]:
    """The stages by name, where the command line changes settings of `recipe.stage`."""
    recipe, _, name = stage.partition(".")
    return {found.name: found for found in resolve(*loaded(recipe, scale), {rule(stage): settings})}


def rule(stage: str) -> str:
    return "base" if stage.endswith(".base") else stage.replace(".", "_")


# -- numbers: bounds, infinities, truth values

NUMBERS = [
    ("r1.r1_zero", "seed", [-1, 2**32, True, 0.5, "now", None, INF]),
    ("r1.r1_zero", "steps", [0, -3, 10**12, True, INF, NAN, "many", [8], None]),
    ("r1.r1_zero", "temperature", [0, -1, INF, NAN, 1e-30, 1e6, True]),
    ("r1.r1_zero", "learning_rate", [0, -1e-4, INF, NAN, 5, True, {}]),
    ("r1.r1_zero", "clip_epsilon", [0, -0.2, INF, NAN]),
    ("r1.r1_zero", "kl_coefficient", [-0.1, INF, NAN, 1e300]),
    ("r1.r1_zero", "max_gradient_norm", [0, INF, NAN]),
    ("r1.r1_zero", "group_size", [1, 0, -8, True]),
    ("r1.r1_zero", "prompts_per_step", [0, 2.5]),
    ("r1.r1_zero", "max_completion_length", [0, -1]),
    ("r1.r1_zero", "adam", [{"betas": [0.9, 1]}, {"betas": [0.9]}, {"epsilon": 0}, {"weight_decay": INF}, {"b": 1}, 3]),
    ("r1.r1_zero", "held_out_every", [-1, 2.5, True, None]),
    ("r1.r1_zero", "held_out_questions", [0, -8, INF]),
    ("r1.r1_zero", "held_out_samples", [0, 1.5]),
    ("r1.r1_zero", "held_out_temperature", [0, -1, INF]),
    ("r1.r1_zero", "held_out_top_p", [0, 1.5, NAN]),
    ("r1.r1_zero", "held_out_split", ["train", None, "Validation"]),
    ("r1.r1_zero", "held_out_max_completion_length", [0, -1, 10**6]),
    ("r1.r1_zero", "held_out_tasks", [{"facts": 1}, {"no_such": 1}, {"logic": 0}, {"aime_2024": 1}]),
    ("r1.r1_zero", "reflection_words", [["wait", "wait"], [""], "wait", [3]]),
    ("r1.r1_zero", "template", ["qwen", 3, None]),
    ("r1.r1_zero", "loss_aggregation", ["mean", ["grpo"]]),
    ("r1.cold_start_data", "top_p", [0, 1.5, NAN]),
    ("r1.cold_start_data", "min_language_consistency", [-0.1, 2, NAN]),
    ("r1.cold_start_sft", "warmup_fraction", [1.0, -0.1, NAN]),
    ("r1.cold_start_sft", "final_learning_rate", [-1, INF]),
    ("r1.cold_start_sft", "epochs", [0, 1.5]),
    ("r1.helpful_reward_model", "min_score_difference", [9, 50, -1, INF]),
    ("r1.helpful_reward_model", "judge_noise", [-1, INF]),
    ("r1.safety_reward_model", "label_noise", [-0.1, 1.1, NAN]),
    ("r1.general_rl", "general_fraction", [-0.5, 1.5, INF]),
    ("r1.general_rl", "helpful_clip", [0, INF]),
    ("r1.evaluation", "presence_penalty", [3, -3, NAN]),
    ("r1.evaluation", "samples_per_question", [0, True]),
    ("r1.evaluation", "top_k", [-1, 2.5]),
    ("kimi_k15.policy_mirror_descent", "tau", [-1, INF]),
    ("kimi_k15.policy_mirror_descent", "repetition_times", [1]),
    ("kimi_k15.long2short_dpo", "beta", [0, INF]),
    ("kimi_k15.shortest_rejection_sampling", "length_ratio", [0.5, INF]),
    ("kimi_k15.prompt_curation", "max_domain_share", [0, 2]),
    ("kimi_k15.code_tests", "planted_wrong", [1.0, -0.1]),
    ("kimi_k15.code_tests", "cases", [0, 197]),
    ("qwen3.cold_start_data", "guess_temperature", [-1, 1e-30, INF]),
    ("qwen3.cold_start_data", "several_questions", [1.0]),
    ("qwen3.query_verifier_pairs", "samples_per_query", [1, 0]),
    ("qwen3.fusion_data", "max_turns", [1]),
    ("qwen3.evaluation", "budgets", [[-1], [8, 8], "8", [INF]]),
    ("r1.base", "vocabulary_size", [10, 0, 10**9]),
    ("r1.base", "head_size", [7, 0]),
    ("r1.base", "hidden_size", [0, 10**8]),
    ("r1.base", "layers", [0, 10**6]),
    ("r1.base", "matrix_learning_rate", [0, INF, 3]),
    ("r1.base", "max_length", [1, 5000]),
    ("r1.base", "steps", [0]),
    ("r1.base", "author", [
        3, {"patience": 1.5}, {"patience": True}, {"patience": "much"}, {"slip": NAN}, {"slop": 0.1}, {"slip": -0.1},
        {"longest_search": 0}, {"longest_search": 2.5}, {"orders": {}}, {"orders": {"list": 0}}, {"orders": {"lst": 1}},
        {"forms": {"plain": INF}}, {"tags": {"right": -1}},
    ]),
    ("r1.evaluation", "extrapolation_questions", [-1, True, 2.5]),
    ("r1.evaluation", "extrapolation_max_completion_length", [0, True]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "field", "value"), [(stage, field, value) for stage, field, values in NUMBERS for value in values]
)
def test_values_out_of_bounds(stage, field, value):
    with pytest.raises(InputError) as error:
        planned(stage, {field: value})
    sentence = str(error.value)
    assert sentence.startswith(f"--config stages.{rule(stage)}: ") and f"`{field}" in sentence
    assert "\n" not in sentence and len(sentence) < 400


@pytest.mark.parametrize("script", sorted(all_scripts()))
def test_no_number_of_any_stage_is_infinite_or_a_truth_value(script):
    settings = all_scripts()[script]
    for field in settings.model_fields:
        accepts = adapter(settings, field)
        if any(_takes(accepts, number) for number in (1, 0.5, 2)):
            for value in (INF, -INF, NAN, 1e300, -1e300, 10**400, "inf", "nan"):
                assert not _takes(accepts, value), f"{script}.{field} accepts {value}"
            assert _takes(accepts, 1) is False or not _takes(accepts, True) or _takes(accepts, "yes"), (
                f"{script}.{field}"
            )


def _takes(accepts: TypeAdapter, value: object) -> bool:
    try:
        accepts.validate_python(value)
    except ValidationError:
        return False
    return True


# -- mixtures, rewards, names

NAMED = [
    ("r1.r1_zero", "tasks", {}, "names nothing to draw from"),
    ("r1.r1_zero", "tasks", {"logic": 0}, "above 0"),
    ("r1.r1_zero", "tasks", {"logic": 0, "equation": 0.0}, "above 0"),
    ("r1.r1_zero", "tasks", {"logic": INF}, "finite"),
    ("r1.r1_zero", "tasks", {"logic": NAN}, "finite"),
    ("r1.r1_zero", "tasks", {"logic": -1}, "greater than or equal to 0"),
    ("r1.r1_zero", "tasks", {"logic": True}, "truth value"),
    ("r1.r1_zero", "tasks", {"logic": "much"}, "number"),
    ("r1.r1_zero", "tasks", {"equatoin": 1}, "did you mean `equation`?"),
    ("r1.r1_zero", "tasks", {"logic@fr": 1}, "@en or @zh"),
    ("r1.r1_zero", "tasks", {"chain_sum@zh": 1}, "@en or @zh"),
    ("r1.r1_zero", "tasks", {"gsm8k@en": 1}, "no task family and no public data set"),
    ("r1.r1_zero", "tasks", {"facts": 1}, "one at least must be of"),
    ("r1.r1_zero", "tasks", {"math_500": 1}, "`math_500` is none of prompts with a verifier"),
    ("r1.r1_zero", "tasks", {"tulu_3_sft": 1}, "none of prompts with a verifier"),
    ("r1.r1_zero", "tasks", "nosuch", "names the mixture `nosuch`"),
    ("r1.r1_zero", "tasks", ["logic"], "dictionary"),
    ("r1.r1_zero", "tasks", {"inverse_fact": 1}, "is held out of all training"),
    ("r1.base", "mixture", {"burn_door@en": 1}, "is held out of all training"),
    ("r1.evaluation", "safety_tasks", {"burn_door": 1}, "is held out of all training"),
    ("r1.helpful_reward_model", "judge_bias", {"length": True}, "valid number"),
    ("r1.helpful_reward_model", "judge_bias", {"lenght": 1}, "extra inputs are not permitted"),
    ("r1.general_rl", "min_held_out_accuracy", {"helpful": 0.5}, "'helpful_reward_model' or 'safety_reward_model'"),
    ("r1.general_rl", "min_held_out_accuracy", {"safety_reward_model": 1.1}, "less than or equal to 1"),
    ("qwen3.evaluation", "closing_sentence", {"en": "so"}, "field required"),
    ("qwen3.evaluation", "closing_sentence", {"en": "so", "zh": "", "fr": ""}, "extra inputs"),
    ("qwen3.evaluation", "closing_sentence", "so", "dictionary"),
    ("qwen3.evaluation", "length_tasks", {"facts": 1}, "none of prompts that ask for a length"),
    ("r1.cold_start_data", "tasks", {"facts": 1, "greeting": 2}, "one at least must be of"),
    ("r1.cold_start_data", "tasks", {"facts": 0}, "above 0"),
    ("r1.safety_reward_model", "tasks", {"facts": 1}, "must be of unsafe"),
    ("r1.helpful_reward_model", "tasks", {"equation": 1}, "none of prompts with preferences"),
    ("r1.helpful_reward_model", "tasks", {"gsm8k": 1}, "none of prompts with preferences"),
    ("r1.rejection_sampling", "general_tasks", {"equation": 1}, "none of general prompts with a response"),
    ("r1.rejection_sampling", "general_tasks", {"helpsteer2": 1}, "none of general prompts with a response"),
    ("r1.rejection_sampling", "general_tasks", {}, "`non_reasoning_rows` 0"),
    ("r1.rejection_sampling", "no_cot_tasks", ["nosuch"], "no task family and no public data set is called"),
    ("r1.rejection_sampling", "no_cot_tasks", ["greting"], "did you mean `greeting`?"),
    ("r1.general_rl", "general_tasks", {}, "`general_fraction` 0"),
    ("r1.evaluation", "tasks", {"equatoin": 1}, "did you mean `equation`?"),
    ("r1.evaluation", "tasks", {}, "names nothing to draw from"),
    ("r1.evaluation", "tasks", {"ifeval": 1}, "none of questions with a verifier"),
    ("r1.evaluation", "safety_tasks", {"facts": 1}, "none of safety prompts"),
    ("r1.evaluation", "instruction_tasks", {"equation": 1}, "none of prompts with instructions"),
    ("r1.evaluation", "general_tasks", {"facts": 0}, "above 0"),
    ("r1.evaluation", "by_data_set", {"math_50": {}}, "did you mean `math_500`?"),
    ("r1.evaluation", "by_data_set", {"math_500": {"temperature": INF}}, "finite"),
    ("r1.evaluation", "by_data_set", {"math_500": {"samples": 1}}, "math_500"),
    ("r1.evaluation", "tasks", {"long_arithmetic": 1}, "`long_arithmetic` is held out of all training: an evaluation"),
    ("r1.evaluation", "extrapolation_tasks", {"arithmetic": 1}, "did you mean `long_arithmetic`?"),
    ("r1.evaluation", "extrapolation_tasks", {}, "names nothing to draw from"),
    ("r1.evaluation", "transfer_tasks", {"long_arithmetic": 1}, "`long_arithmetic` is held out of all training"),
    ("r1.evaluation", "transfer_tasks", {"gcd": 1}, "none of families that nothing is trained on"),
    ("r1.r1_zero", "tasks", {"logic": 1, "pair_difference": 0.1}, "`pair_difference` is held out of all training"),
    ("r1.r1_zero", "tasks", {"long_arithmetic@zh": 1}, "`long_arithmetic@zh` is held out of all training"),
    ("r1.cold_start_data", "tasks", {"unknown_start": 1}, "`unknown_start` is held out of all training"),
    ("r1.rejection_sampling", "tasks", {"long_pair_search": 1}, "`long_pair_search` is held out of all training"),
    ("kimi_k15.vanilla_sft", "tasks", {"long_expression": 1}, "`long_expression` is held out of all training"),
    ("kimi_k15.code_tests", "tasks", {"long_expression": 1}, "`long_expression` is held out of all training"),
    ("qwen3.fusion_data", "tasks", {"pair_difference": 1}, "`pair_difference` is held out of all training"),
    ("r1.base", "mixture", {"pair_difference": 1}, "`pair_difference` is held out of all training"),
    ("r1.base", "mixture", {"basic_arithmetic": 1}, "none of what the corpus is written from"),
    ("r1.evaluation", "split", "train", "'validation' or 'test'"),
    ("r1.base", "mixture", {}, "names nothing to draw from"),
    ("r1.base", "mixture", {"gsm8k": 1}, "none of what the corpus is written from"),
    ("r1.base", "mixture", {"jugs": 1}, "none of what the corpus is written from"),
    ("kimi_k15.vanilla_sft", "tasks", {"knights_knaves": 1}, "none of what has worked solutions"),
    ("kimi_k15.vanilla_sft", "tasks", {"facts": 1}, "none of what has worked solutions"),
    ("kimi_k15.code_tests", "tasks", {"equation": 1}, "none of code problems"),
    ("kimi_k15.prompt_curation", "excluded", {"none": ["nosuch"]}, "no task family"),
    ("kimi_k15.prompt_curation", "excluded", {"all": ["equation", "logic"]}, "leaves in"),
    ("kimi_k15.prompt_curation", "guessed_domains", ["maths"], "'math'"),
    ("kimi_k15.long_cot_sft", "demonstrations", {"gsm8k": 1}, "none of data sets with responses"),
    ("kimi_k15.long_cot_sft", "demonstrations", {"equation": 1}, "none of data sets with responses"),
    ("qwen3.reference_reward_model", "tasks", {"equation": 1}, "none of prompts with a reference answer"),
    ("qwen3.general_rl", "general_tasks", {"equation": 1}, "none of general prompts"),
    ("r1.r1_zero", "rewards", {}, "above 0"),
    ("r1.r1_zero", "rewards", {"accuracy": 0, "format": 0}, "above 0"),
    ("r1.r1_zero", "rewards", {"accuracy": NAN}, "finite"),
    ("r1.r1_zero", "rewards", {"accuracy": INF}, "finite"),
    ("r1.r1_zero", "rewards", {"accuracy": -1}, "greater than or equal to 0"),
    ("r1.r1_zero", "rewards", {"accuracy": True}, "truth value"),
    ("r1.r1_zero", "rewards", {"helpful": 1}, "'accuracy', 'weak_accuracy' or 'format'"),
    ("r1.r1_zero", "rewards", {"accurcy": 1}, "'accuracy', 'weak_accuracy' or 'format'"),
    ("r1.general_rl", "rewards", {"helpful": 1}, "none of them is of reasoning prompts"),
    ("r1.general_rl", "rewards", {"accuracy": 0, "safe": 1}, "none of them is of reasoning prompts"),
    ("qwen3.evaluation", "both_modes", ["nosuch"], "`both_modes` names `nosuch`"),
    ("qwen3.evaluation", "both_modes", ["general_rl", "general_rl"], "there twice"),
    ("qwen3.evaluation", "budget_checkpoint", "general_r", "did you mean `general_rl`?"),
    ("kimi_k15.merge", "weights", [0.5], "one for each of the checkpoints"),
    ("kimi_k15.merge", "weights", [0.5, 0.5, 0.5], "one for each of the checkpoints"),
    ("kimi_k15.merge", "weights", [0, 0], "one at least above 0"),
    ("kimi_k15.merge", "weights", [], "`weights` is []"),
    ("kimi_k15.merge", "weights", [NAN, 1], "finite"),
]  # fmt: skip


@pytest.mark.parametrize(("stage", "field", "value", "words"), NAMED)
def test_names_and_weights(stage, field, value, words):
    with pytest.raises(InputError) as error:
        planned(stage, {field: value})
    sentence = str(error.value)
    assert words in sentence and f"`{field}" in sentence and "\n" not in sentence, sentence
    assert sentence.startswith("--config stages."), sentence


# -- settings that do not fit each other, the processes, the model

TOGETHER = [
    ("r1.r1_zero", {"extended_from_step": 9}, "`extended_from_step` is 9, allowed: at most `steps`, which is 8"),
    ("r1.r1_zero", {"extended_completion_length": 40}, "`max_completion_length` is 48"),
    ("r1.r1_zero", {"micro_batch_size": 5}, "`micro_batch_size` is 5, allowed"),
    ("r1.r1_zero", {"prompts": 1}, "`prompts` is 1, allowed: at least the 4 of a rollout"),
    ("r1.r1_zero", {"steps_per_rollout": 100}, "at least the 200 of a rollout"),
    ("r1.r1_zero", {"extended_completion_length": 4000}, "`extended_completion_length` is 4000, allowed: at most 1023"),
    ("r1.reasoning_rl", {"max_completion_length": 1024}, "`max_completion_length` is 1024, allowed: at most 1023"),
    ("r1.cold_start_data", {"max_completion_length": 1025}, "allowed: at most 1024"),
    ("r1.cold_start_data", {"keep_per_prompt": 17}, "`keep_per_prompt` is 17, allowed: at most `samples_per_prompt`"),
    ("r1.cold_start_sft", {"final_learning_rate": 0.1}, "`final_learning_rate` is 0.1"),
    ("r1.cold_start_sft", {"micro_batch_size": 7}, "`micro_batch_size` is 7"),
    ("r1.helpful_reward_model", {"micro_batch_size": 20}, "`micro_batch_size` is 20"),
    ("r1.general_rl", {"preference_steps": 9}, "`preference_steps` is 9, allowed: at most `steps`, which is 8"),
    ("r1.general_rl", {"steps": 3}, "`preference_steps` is 4, allowed: at most `steps`, which is 3"),
    ("r1.general_rl", {"general_fraction": 0, "general_tasks": {}}, "`general_fraction` 0 and without z_score"),
    ("r1.general_rl", {"unsafe_fraction": 0.2, "general_tasks": {"facts": 1}}, "has no prompt of the safety set"),
    ("r1.general_rl", {"unsafe_fraction": 0.2, "general_tasks": {"unsafe": 1}}, "prompts of the safety set alone"),
    ("r1.evaluation", {"max_completion_length": 2000}, "`max_completion_length` is 2000"),
    ("r1.evaluation", {"split": "validation", "tasks": {"math_500": 1}}, "which `math_500` of `tasks` does not have"),
    ("r1.base", {"heads": 3, "key_value_heads": 2}, "`key_value_heads` is 2, allowed: a divisor of `heads`"),
    ("kimi_k15.policy_mirror_descent", {"updates_per_iteration": 3}, "`updates_per_iteration` is 3"),
    ("kimi_k15.policy_mirror_descent", {"micro_batch_size": 3}, "`micro_batch_size` is 3"),
    ("kimi_k15.policy_mirror_descent", {"length_from_iteration": 4}, "`length_from_iteration` is 4"),
    ("kimi_k15.policy_mirror_descent", {"prompts_per_iteration": 400}, "makes 220 prompts at most"),
    ("kimi_k15.prompt_curation", {"min_pass_rate": 0.9, "max_pass_rate": 0.1}, "`min_pass_rate` is 0.9"),
    ("kimi_k15.code_tests", {"valid_cases": 51}, "`valid_cases` is 51, allowed: at most `cases`"),
    ("kimi_k15.code_tests", {"agreeing": 11}, "`agreeing` is 11, allowed: at most `submissions`"),
    ("kimi_k15.code_tests", {"submissions": 8}, "allowed: at most `submissions`, which is 8"),
    ("kimi_k15.long2short_dpo", {"micro_batch_size": 3}, "`micro_batch_size` is 3"),
    ("kimi_k15.policy_mirror_descent", {"held_out_tasks": {}}, "`held_out_tasks` is {}, allowed where the stage draws"),
    ("r1.r1_zero", {"held_out_tasks": {"aime_2024": 1}}, "`held_out_split` is 'validation', which `aime_2024` of"),
    ("qwen3.cold_start_data", {"validation_queries": 100}, "`validation_queries` is 100, allowed: fewer"),
    ("qwen3.fusion_data", {"keep_per_query": 9}, "`keep_per_query` is 9"),
    ("qwen3.fusion_data", {"general_tasks": {}}, "`general_tasks` is {}"),
    ("qwen3.reasoning_rl", {"steps_per_rollout": 20}, "`query_verifier_pairs` makes 30 prompts at most"),
    ("qwen3.on_policy_distillation", {"micro_batch_size": 5}, "`micro_batch_size` is 5"),
    ("qwen3.on_policy_distillation", {"max_completion_length": 5000}, "`max_completion_length` is 5000"),
    ("qwen3.student_rl", {"prompts": 3}, "`prompts` is 3, allowed: at least the 4 of a rollout"),
]  # fmt: skip


@pytest.mark.parametrize(("stage", "settings", "words"), TOGETHER)
def test_settings_that_do_not_fit_each_other(stage, settings, words):
    with pytest.raises(InputError) as error:
        planned(stage, settings)
    assert words in str(error.value) and "\n" not in str(error.value), error.value


def test_a_divergence_needs_whole_weights():
    with pytest.raises(InputError, match=r"`held_out_kl` is true, allowed with accelerate 'fsdp2', which cuts weights"):
        planned("r1.r1_zero", {"held_out_kl": True}, "qwen3-14b")
    planned("r1.r1_zero", {"held_out_kl": True, "held_out_every": 0}, "qwen3-14b")


def test_the_sentence_names_the_file_that_wrote_a_setting_last():
    with pytest.raises(
        InputError, match=r"^--config stages.r1_r1_zero: r1_zero \(r1.r1_zero\): `micro_batch_size` is 5"
    ):
        planned("r1.r1_zero", {"micro_batch_size": 5})
    with pytest.raises(
        InputError, match=r"^--config stages.r1_r1_zero: r1_zero \(r1.r1_zero\): `extended_from_step` is 6"
    ):
        planned("r1.r1_zero", {"steps": 4})


def test_batches_are_cut_among_the_processes():
    recipe, scale = loaded("r1_zero", "qwen2.5-7b")
    assert scale.system.processes == 8
    with pytest.raises(InputError, match="`micro_batch_size` is 1, allowed.* in 8 processes"):
        resolve(recipe, scale, {"r1_zero": {"prompts_per_step": 1, "group_size": 2}})


def test_data_sets_that_the_scale_does_not_allow():
    recipe, scale = loaded("r1_zero", "smoke")
    commercial = scale.model_copy(
        update={"public_data": scale.public_data.model_copy(update={"commercial_only": True})}
    )
    for tasks in ({"gsm8k": 1}, {"sciq": 1, "gsm8k": 1}, {"logic": 1}):
        assert resolve(recipe, commercial, {"r1_zero": {"tasks": tasks}})
    with pytest.raises(InputError, match="`tasks` names sciq, none of which is for commercial use"):
        resolve(recipe, commercial, {"r1_zero": {"tasks": {"sciq": 1, "logic": 1}}})


def test_a_vllm_that_the_processes_cannot_span():
    recipe, scale = loaded("r1_zero", "qwen2.5-1.5b")
    vllm = scale.system.vllm.model_copy(update={"tensor_parallel_size": 2})
    system = scale.system.model_copy(update={"vllm": vllm})
    with pytest.raises(InputError, match="`tensor_parallel_size` is 2, allowed: a divisor of the 1 processes"):
        resolve(recipe, scale.model_copy(update={"system": system}))


# -- what people do change, and may

ALLOWED = [
    ("r1.r1_zero", {"rewards": {"accuracy": 1}}),
    ("r1.r1_zero", {"rewards": {"accuracy": 1, "format": 0}}),
    ("r1.reasoning_rl", {"rewards": {"language": 0.5}}),
    ("r1.r1_zero", {"tasks": {"logic": 1, "equation": 0}}),
    ("r1.r1_zero", {"tasks": {"logic@en": 1, "knights_knaves": 2, "gsm8k": 1, "facts": 0.1}}),
    ("r1.r1_zero", {"learning_rate": "1e-4", "kl_coefficient": 0, "seed": 2**32 - 1}),
    ("r1.r1_zero", {"extended_from_step": 8, "extended_completion_length": 48}),
    ("r1.r1_zero", {"micro_batch_size": 1000, "reference_refresh_steps": 10**6}),
    ("r1.general_rl", {"rewards": {"helpful": 1}, "preference_steps": 8, "general_fraction": 1}),
    ("r1.general_rl", {"general_fraction": 0, "general_tasks": {}, "helpful_normalisation": "none"}),
    ("r1.general_rl", {"prompts": 1}),
    ("r1.rejection_sampling", {"non_reasoning_rows": 0, "general_tasks": {}, "no_cot_tasks": []}),
    ("r1.evaluation", {"instruction_tasks": {}, "safety_tasks": {}, "general_tasks": {}, "top_k": 5}),
    ("r1.evaluation", {"split": "validation", "by_data_set": {"math_500": {"samples_per_question": 2}}}),
    ("r1.cold_start_sft", {"max_length": 100_000, "warmup_fraction": 0, "final_learning_rate": 0}),
    ("r1.base", {"heads": 4, "key_value_heads": 4, "hidden_size": 50}),
    ("kimi_k15.policy_mirror_descent", {"length_weight": 0, "length_from_iteration": 100}),
    ("kimi_k15.policy_mirror_descent", {"tau": 0, "keep_every_iterations": 0}),
    ("kimi_k15.policy_mirror_descent", {"held_out_every": 0, "held_out_tasks": {}}),
    ("r1.r1_zero", {"held_out_every": 10**6, "held_out_tasks": {"aime_2024": 1}, "held_out_split": "test"}),
    ("r1.r1_zero", {"held_out_top_k": 20, "held_out_top_p": 1, "reflection_words": [], "held_out_kl": True}),
    ("r1.helpful_reward_model", {"judge_noise": 0, "min_score_difference": 0}),
    ("r1.general_rl", {"unsafe_fraction": 1, "general_tasks": {"unsafe@en": 1}}),
    ("r1.general_rl", {"unsafe_fraction": 0, "general_tasks": {"facts": 1, "safe_lookalike": 1}}),
    ("qwen3.evaluation", {"closing_sentence": {"en": "", "zh": ""}, "length_tasks": {"list_n": 1}}),
    ("qwen3.cold_start_data", {"guess_temperature": 0}),
    ("qwen3.evaluation", {"budgets": [], "both_modes": []}),
]  # fmt: skip


@pytest.mark.parametrize(("stage", "settings"), ALLOWED)
def test_ablations_and_extremes_are_planned(stage, settings):
    found = planned(stage, settings)[stage.partition(".")[2]].config["settings"]
    assert {key: found[key] for key in settings if not isinstance(settings[key], dict | str)} == {
        key: value for key, value in settings.items() if not isinstance(value, dict | str)
    }
