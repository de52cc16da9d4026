"""On-policy distillation inside TRL's trainer: the student writes, the teacher's logits say what to write instead.

The loss is TRL's: the divergence between the two next-token distributions at every token of the student's completion,
the end token included, prompt and padding excluded; a mean over the tokens of the whole step.
"""

from datasets import Dataset
from trl import DistillationConfig

from data.errors import InputError
from data.text.chat import render_prompt
from data.text.modes import follows_mode
from data.text.row import Row
from stages.core.machines.weights import without_dropout
from stages.core.pipeline.settings import OnPolicy
from stages.core.run.stage import Run
from stages.core.sampling.drawing import with_room
from stages.core.sampling.vllm_engine import vllm_arguments
from stages.core.training.callbacks import adam_arguments, common_arguments, micro_batches, watch
from stages.core.training.held_out import measure_held_out
from stages.core.training.trl_seam import StudentTrainer

BETA = {"forward_kl": 0.0, "jensen_shannon": 0.5, "reverse_kl": 1.0}
"""TRL's beta: 0 is KL(teacher || student), 1 is KL(student || teacher), between them their Jensen-Shannon mixture."""

SAVE_EVERY_STEPS = 5


class OnPolicyDistillationTrainer(StudentTrainer):
    """TRL's loss on what our sampler writes; counts which mode the student keeps to."""

    def rolled_out(self, examples: list[dict], output: dict) -> None:
        texts, modes = self.texts(output), [example["mode"] for example in examples]
        self.log_value("mode/non_thinking", modes.count("non_thinking") / len(modes))
        for mode in sorted(set(modes)):
            followed = [follows_mode(text, mode) for text, asked in zip(texts, modes, strict=True) if asked == mode]
            self.log_value(f"mode/{mode}_followed", sum(followed) / len(followed))


def distillation_trainer(run: Run, student, teacher, tokenizer, rows: list[Row]) -> OnPolicyDistillationTrainer:
    """A trainer that takes `rows` (with `prompt`, flags included, and `mode`) in their order, once."""
    settings: OnPolicy = run.settings
    config = DistillationConfig(
        **common_arguments(run),
        **vllm_arguments(run.system),
        **micro_batches(settings.prompts_per_step, settings.micro_batch_size),
        max_steps=settings.steps,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.learning_rate_schedule,
        max_grad_norm=settings.max_gradient_norm,
        **adam_arguments(settings.adam),
        beta=BETA[settings.divergence],
        temperature=settings.temperature,
        top_p=1.0,
        top_k=0,
        max_completion_length=settings.max_completion_length,
        shuffle_dataset=False,
        save_strategy="steps",
        save_steps=SAVE_EVERY_STEPS,
    )
    rows = with_room(run, student, tokenizer, rows, "chat", settings.max_completion_length)
    prompts = [render_prompt(tokenizer, row["prompt"], "chat") for row in rows]
    trainer = OnPolicyDistillationTrainer(
        model=without_dropout(student),
        teacher_model=teacher,
        args=config,
        # Plain text: TRL would render conversations by itself.
        train_dataset=Dataset.from_dict({"prompt": prompts, "mode": [row["mode"] for row in rows]}),
        processing_class=tokenizer,
    )
    if trainer.use_vllm:
        trainer.vllm_generation.logprobs = 0  # of the sampled tokens, which TRL does not ask for here
    trainer.logp_gap_limit = run.system.logp_gap_limit
    trainer.sampling_processes = run.system.sampling_processes
    watch(trainer, run)
    measure_held_out(run, trainer, tokenizer, "chat")
    return trainer


def check_same_tokens(student_tokenizer, teacher_tokenizer) -> None:
    """Logits can be compared token by token only where the same id is the same token."""
    if student_tokenizer.get_vocab() != teacher_tokenizer.get_vocab():
        raise InputError(
            "the student and the teacher have different tokenizers "
            f"({len(student_tokenizer)} and {len(teacher_tokenizer)} tokens): their logits cannot be aligned"
        )
