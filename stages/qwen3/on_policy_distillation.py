"""On-policy distillation: the student writes in either mode and its logits are aligned with the teacher's.

CONSUMES     from: the off-policy distilled student; teacher: the general RL model, of the same vocabulary
PRODUCES     model/: the distilled student
PAPER        Qwen3 s.4.5: prompts are sampled, the student answers in /think or /no_think mode, its logits are aligned
             with the teacher's by minimising a KL divergence
DEVIATIONS   1 direction, temperature, learning rate and lengths are the scale's: the paper names none
             2 one temperature is both the sampling's and that of the two distributions in the loss
             3 all tokens of the vocabulary are in the loss, not the teacher's likeliest
             4 with vLLM nothing is weighed by trainer over sampler: the loss compares two distributions wherever a
               sample leads
"""

from data.text.conversations import in_both_modes
from stages.core.run.stage import Run, stage_main
from stages.core.sampling.drawing import draw_rows
from stages.qwen3.settings import OnPolicyDistillation


def main(run: Run) -> None:
    from stages.core.machines.weights import load_frozen, load_model, load_tokenizer, save_model
    from stages.core.training.callbacks import last_tenth, logged_means, train
    from stages.core.training.on_policy_distillation import check_same_tokens, distillation_trainer

    settings: OnPolicyDistillation = run.settings
    student, tokenizer, teacher = load_model(run), load_tokenizer(run), load_frozen(run, "teacher")
    check_same_tokens(tokenizer, load_tokenizer(run, "teacher"))
    pool = draw_rows(run, settings.tasks, settings.prompts, "train", settings.seed + 5)
    count = settings.steps * settings.prompts_per_step
    prompts = in_both_modes(pool, count, settings.non_thinking_fraction, settings.seed)
    trainer = distillation_trainer(run, student, teacher, tokenizer, prompts)
    train(trainer, run)
    run.tokens.update(trainer.count_tokens())

    headline = logged_means(last_tenth(trainer, "loss"), ["loss", "completions/mean_length"])
    headline["tokens"] = int(trainer.state.num_input_tokens_seen)  # prompts and completions of the whole run
    save_model(run, trainer, tokenizer, "chat", headline)


if __name__ == "__main__":
    stage_main(main, __doc__)
