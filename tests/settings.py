"""Settings of a stage that several test files train with, a new setting of which is added once."""

MIRROR_DESCENT = {
    "tau": 0.1, "group_size": 4, "prompts_per_iteration": 4, "inner_epochs": 1, "learning_rate": 1e-3,
    "learning_rate_schedule": "constant", "temperature": 1.0, "accuracy_weight": 1.0, "repetition_ngram": 4,
    "repetition_times": 3, "repetition_penalty": 0.5, "keep_earlier_segments": False, "prompt_choice": "uniform",
    "warm_up_fraction": 0.0, "hard_pass_rate": 1.0,
}  # fmt: skip
