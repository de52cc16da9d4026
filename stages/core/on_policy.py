"""On-policy distillation inside TRL's trainer: the student writes, the teacher's logits say what to write instead.

The loss is TRL's: the divergence between the two next-token distributions at every token of the student's completion,
the end token included, prompt and padding excluded; a mean over the tokens of the whole step.
"""

import torch
from datasets import Dataset
from trl import DistillationConfig, DistillationTrainer

from data.chat import render_prompt
from data.modes import follows_mode
from stages.core.callbacks import common_arguments, micro_batches, watch
from stages.core.checkpoint import Run
from stages.core.errors import InputError
from stages.core.policy import GAP_ROWS, PolicyTrainer, with_room
from stages.core.rollouts import check_gap
from stages.core.settings import OnPolicyDistillation
from stages.core.vllm_engine import vllm_arguments

BETA = {"forward_kl": 0.0, "jensen_shannon": 0.5, "reverse_kl": 1.0}
"""TRL's beta: 0 is KL(teacher || student), 1 is KL(student || teacher), between them their Jensen-Shannon mixture."""

SAVE_EVERY_STEPS = 5
LENGTH_GROUPS = 8
"""A micro-batch is run in so many parts of like length, each no wider than its longest sequence."""


class OnPolicyDistillationTrainer(DistillationTrainer):
    """TRL's distillation with our sampler and less padding. The mathematics is the same."""

    sample = PolicyTrainer.sample
    logp_gap_limit = PolicyTrainer.logp_gap_limit

    def _generate_single_turn(self, prompt_ids, images, multimodal_fields, has_tool_images=False):
        if images is not None:
            return super()._generate_single_turn(prompt_ids, images, multimodal_fields, has_tool_images)
        completions, self.sampled_logps = self.sample(prompt_ids, self.max_completion_length)
        return completions

    def _generate_and_score_completions(self, inputs):
        output = super()._generate_and_score_completions(inputs)
        self._compare_with_sampler(output)
        masks = output["completion_mask"].bool()
        ids = [row[mask].tolist() for row, mask in zip(output["completion_ids"], masks, strict=True)]
        texts = self._tokenizer.batch_decode(ids, skip_special_tokens=True)
        modes = [example["mode"] for example in inputs]
        metrics = self._metrics["train" if self.model.training else "eval"]
        metrics["mode/non_thinking"].append(modes.count("non_thinking") / len(modes))
        for mode in sorted(set(modes)):
            followed = [follows_mode(text, mode) for text, asked in zip(texts, modes, strict=True) if asked == mode]
            metrics[f"mode/{mode}_followed"].append(sum(followed) / len(followed))
        return output

    def _compare_with_sampler(self, output) -> None:
        """The gate of the RL stages on the first completions of a rollout: TRL's distillation has no log-probs.

        One at a time: the logits of many long ones would need more memory than the loss, which TRL takes in parts.
        """
        gaps = []
        for row, sampled in enumerate(self.sampled_logps[:GAP_ROWS]):
            ids, mask = output["completion_ids"][row : row + 1], output["completion_mask"][row : row + 1]
            with torch.no_grad():
                logits = self.model(
                    torch.cat([output["prompt_ids"][row : row + 1], ids], dim=1),
                    attention_mask=torch.cat([output["prompt_mask"][row : row + 1], mask], dim=1),
                    logits_to_keep=ids.shape[1] + 1,
                ).logits[:, :-1]
            logps = (logits.float() / self.args.temperature).log_softmax(dim=-1).gather(2, ids[..., None])[..., 0]
            gaps.append((logps[mask.bool()] - torch.tensor(sampled, device=ids.device)).abs())
        check_gap(self, torch.cat(gaps), self.logp_gap_limit)

    def _compute_loss(self, unwrapped_student, inputs, num_items_in_batch):
        if num_items_in_batch is None:  # a mean over this very batch: it cannot be summed over parts
            return super()._compute_loss(unwrapped_student, inputs, num_items_in_batch)
        lengths = inputs["prompt_mask"].sum(dim=1) + inputs["completion_mask"].sum(dim=1)
        size = -(-len(lengths) // LENGTH_GROUPS)
        parts = []
        for rows in lengths.argsort().split(size):
            part = {
                "prompt_ids": inputs["prompt_ids"][rows],
                "prompt_mask": inputs["prompt_mask"][rows],
                "completion_ids": inputs["completion_ids"][rows],
                "completion_mask": inputs["completion_mask"][rows],
            }
            prompt, completion = (int(part[name].sum(dim=1).max()) for name in ("prompt_mask", "completion_mask"))
            part |= {name: part[name][:, -prompt:] for name in ("prompt_ids", "prompt_mask")}
            part |= {name: part[name][:, :completion] for name in ("completion_ids", "completion_mask")}
            parts.append(super()._compute_loss(unwrapped_student, part, num_items_in_batch))
        return tuple(sum(values) for values in zip(*parts, strict=True))


def distillation_trainer(run: Run, student, teacher, tokenizer, rows: list[dict]) -> OnPolicyDistillationTrainer:
    """A trainer that takes `rows` (with `prompt`, flags included, and `mode`) in their order, once."""
    settings: OnPolicyDistillation = run.settings
    config = DistillationConfig(
        **common_arguments(run),
        **vllm_arguments(run.system),
        **micro_batches(settings.prompts_per_step, settings.micro_batch_size),
        max_steps=settings.steps,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.learning_rate_schedule,
        max_grad_norm=settings.max_gradient_norm,
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
        model=student,
        teacher_model=teacher,
        args=config,
        # Plain text: TRL would render conversations by itself.
        train_dataset=Dataset.from_dict({"prompt": prompts, "mode": [row["mode"] for row in rows]}),
        processing_class=tokenizer,
    )
    if trainer.use_vllm:
        trainer.vllm_generation.logprobs = 0  # of the sampled tokens, which TRL does not ask for here
    trainer.logp_gap_limit = run.system.logp_gap_limit
    watch(trainer, run)
    return trainer


def check_same_tokens(student_tokenizer, teacher_tokenizer) -> None:
    """Logits can be compared token by token only where the same id is the same token."""
    if student_tokenizer.get_vocab() != teacher_tokenizer.get_vocab():
        raise InputError(
            "the student and the teacher have different tokenizers "
            f"({len(student_tokenizer)} and {len(teacher_tokenizer)} tokens): their logits cannot be aligned"
        )
