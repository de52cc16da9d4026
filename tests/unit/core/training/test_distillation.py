"""On-policy distillation: TRL's divergence against hand-computed values, and the trainer on a random model."""

import math

import pytest
import torch
from transformers import TrainerCallback

from data.errors import InputError
from data.world.families import rows
from stages.core.run.stage import Run
from stages.core.training.on_policy_distillation import BETA, check_same_tokens, distillation_trainer
from stages.qwen3.on_policy_distillation import in_both_modes

STUDENT, TEACHER = (0.7, 0.2, 0.1), (0.1, 0.3, 0.6)
SETTINGS = {
    "divergence": "reverse_kl", "temperature": 1.0, "learning_rate": 1e-2, "learning_rate_schedule": "cosine",
    "max_gradient_norm": 1.0, "prompts_per_step": 8, "steps": 8, "max_completion_length": 16,
    "non_thinking_fraction": 0.25, "tasks": {"equation": 1.0}, "prompts": 12, "micro_batch_size": 8,
}  # fmt: skip


def divergence(name: str, temperature: float) -> float:
    """TRL's loss at two positions, of which the mask takes the second: there the student and the teacher agree."""
    from trl.trainer.distillation_trainer import _chunked_divergence_loss

    student = torch.tensor([[STUDENT, (0.2, 0.2, 0.6)]]).log()
    teacher = torch.tensor([[TEACHER, (0.6, 0.2, 0.2)]]).log()
    head = torch.eye(3)  # the hidden states are the logits
    loss, _, counted = _chunked_divergence_loss(
        student, teacher, head, head, torch.tensor([[1, 0]]), BETA[name], temperature=temperature
    )
    assert counted == 1
    return loss.item()


def kl(p: tuple[float, ...], q: tuple[float, ...]) -> float:
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def softened(p: tuple[float, ...], temperature: float) -> tuple[float, ...]:
    powers = [value ** (1 / temperature) for value in p]
    return tuple(power / sum(powers) for power in powers)


# -- the loss


def test_forward_kl_is_the_teacher_s_expectation_and_reverse_kl_the_student_s():
    # forward, beta 0: .1 ln(.1/.7) + .3 ln(.3/.2) + .6 ln(.6/.1) = -.19459 + .12164 + 1.07506
    assert divergence("forward_kl", 1.0) == pytest.approx(1.00211, abs=1e-5)
    # reverse, beta 1: .7 ln(.7/.1) + .2 ln(.2/.3) + .1 ln(.1/.6) = 1.36214 - .08109 - .17918
    assert divergence("reverse_kl", 1.0) == pytest.approx(1.10187, abs=1e-5)


def test_jensen_shannon_is_the_mean_of_both_to_the_mixture():
    # m = (.4, .25, .35); KL(student || m) = .39173 - .04463 - .12528; KL(teacher || m) = -.13863 + .05470 + .32340
    assert divergence("jensen_shannon", 1.0) == pytest.approx((0.22182 + 0.23947) / 2, abs=1e-5)
    assert divergence("jensen_shannon", 1.0) < math.log(2)


def test_a_temperature_of_two_takes_the_root_of_both_distributions_and_scales_nothing_else():
    student, teacher = softened(STUDENT, 2.0), softened(TEACHER, 2.0)
    assert student == pytest.approx((0.52286, 0.27948, 0.19763), abs=1e-4)  # roots .83666, .44721, .31623
    mixture = tuple((a + b) / 2 for a, b in zip(student, teacher, strict=True))
    assert divergence("forward_kl", 2.0) == pytest.approx(kl(teacher, student), abs=1e-5)
    assert divergence("reverse_kl", 2.0) == pytest.approx(kl(student, teacher), abs=1e-5)
    expected = (kl(student, mixture) + kl(teacher, mixture)) / 2
    assert divergence("jensen_shannon", 2.0) == pytest.approx(expected, abs=1e-5)
    assert divergence("reverse_kl", 2.0) < divergence("reverse_kl", 1.0)


# -- the prompts


def test_both_modes_have_their_share_and_half_of_the_thinking_prompts_say_so():
    pool = rows({"equation": 1.0}, 6, "train", 1)
    found = in_both_modes(pool, 20, 0.3, seed=1)
    texts = [row["prompt"][-1]["content"] for row in found]
    assert sum(text.endswith("/no_think") for text in texts) == 6
    assert sum(text.endswith("/think") for text in texts) == 7
    assert [row["mode"] for row in found].count("non_thinking") == 6
    assert [row["mode"] == "non_thinking" for row in found] == [text.endswith("/no_think") for text in texts]
    assert found[0]["info"] == found[6]["info"] == pool[0]["info"]  # the pool in its order, again and again
    assert all("think" not in row["prompt"][-1]["content"] for row in pool)


def test_a_run_may_be_of_one_mode_alone():
    pool = rows({"equation": 1.0}, 3, "train", 1)
    assert {row["mode"] for row in in_both_modes(pool, 5, 0.0, seed=1)} == {"thinking"}
    assert {row["mode"] for row in in_both_modes(pool, 5, 1.0, seed=1)} == {"non_thinking"}
    assert in_both_modes(pool, 0, 0.5, seed=1) == []


# -- the trainer


@pytest.fixture
def make_trainer(model_folder, tokenizer, tmp_path):
    """Trainers with the same weights, by name of their folder and changed settings."""
    from transformers import AutoModelForCausalLM

    def make(name: str = "student", **changed):
        teacher = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)
        student = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)
        torch.manual_seed(5)
        for weights in student.parameters():
            weights.data += 0.1 * torch.randn_like(weights)
        settings = SETTINGS | changed
        run = Run({
            "recipe": "qwen3", "scale": "test", "stage": "distilled", "script": "qwen3.on_policy_distillation",
            "runs": str(tmp_path), "system": {}, "public_data": {}, "output": str(tmp_path / name), "inputs": {},
            "settings": settings,
        })  # fmt: skip
        pool = rows(settings["tasks"], settings["prompts"], "train", 1)
        prompts = in_both_modes(pool, settings["steps"] * settings["prompts_per_step"], 0.25, seed=1)
        return distillation_trainer(run, student, teacher, tokenizer, prompts)

    return make


class StopAfter(TrainerCallback):
    """Asked to stop in a step: it is saved, and the run ends there."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args, state, control, **kwargs):
        control.should_save = control.should_training_stop = state.global_step == self.step


def full_divergence(trainer, batch: dict) -> float:
    """KL(student || teacher) a completion token, from the full logits of both models, sequence by sequence."""
    total, tokens = 0.0, 0
    for number in range(len(batch["completion_ids"])):
        prompt = batch["prompt_ids"][number][batch["prompt_mask"][number].bool()]
        completion = batch["completion_ids"][number][batch["completion_mask"][number].bool()]
        ids = torch.cat([prompt, completion])[None]
        with torch.no_grad():
            student, teacher = (
                model(input_ids=ids).logits[0, len(prompt) - 1 : -1].log_softmax(dim=-1)
                for model in (trainer.model, trainer.teacher_model)
            )
        total += (student.exp() * (student - teacher)).sum().item()
        tokens += len(completion)
    return total / tokens


def test_the_loss_is_over_the_completion_tokens_with_their_end_token(make_trainer, tokenizer):
    trainer = make_trainer()
    trainer.model.train()
    ends = {tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<|endoftext|>")}
    trainer.sample = lambda prompts, limit: ([[7, 8, tokenizer.eos_token_id], *([[9] * 5] * (len(prompts) - 1))], None)
    trainer._compare_with_sampler = lambda output: None  # the policy has not sampled these
    examples = [trainer.train_dataset[number] for number in range(8)]
    batch = trainer._generate_and_score_completions(examples)
    assert batch["num_items_in_batch"] == batch["completion_mask"].sum() == 3 + 7 * 5
    assert batch["completion_ids"][0][:3].tolist() == [7, 8, tokenizer.eos_token_id] and tokenizer.eos_token_id in ends
    with torch.no_grad():
        loss = trainer.compute_loss(trainer.model, batch).item()
    assert loss == pytest.approx(full_divergence(trainer, batch), rel=1e-4)


def test_prompts_are_the_rendered_text_and_samples_end_at_the_end_token(make_trainer, tokenizer):
    trainer = make_trainer(max_completion_length=120, prompts_per_step=16, micro_batch_size=16, steps=1)
    examples = [trainer.train_dataset[number] for number in range(16)]
    torch.manual_seed(0)
    batch = trainer._generate_and_score_completions(examples)
    first = batch["prompt_ids"][0][batch["prompt_mask"][0].bool()]
    assert tokenizer.decode(first) == examples[0]["prompt"]
    assert examples[0]["prompt"].startswith("<|im_start|>user\n") and examples[0]["prompt"].count("<|im_start|>") == 2
    ends = torch.tensor(trainer.eos_token_ids)
    lasts = [ids[mask.bool()] for ids, mask in zip(batch["completion_ids"], batch["completion_mask"], strict=True)]
    finished = [ids for ids in lasts if len(ids) < 120]
    assert finished and all(torch.isin(ids, ends).sum() == 1 and torch.isin(ids[-1], ends) for ids in finished)
    assert tokenizer.convert_tokens_to_ids("<|im_end|>") in trainer.eos_token_ids


def test_some_steps_bring_the_student_nearer_to_the_teacher_in_both_modes(make_trainer):
    trainer = make_trainer()
    held_out = trainer._generate_and_score_completions([trainer.train_dataset[number] for number in range(8)])
    before = full_divergence(trainer, held_out)
    trainer.train()
    trainer.model.eval()
    assert full_divergence(trainer, held_out) < 0.85 * before  # 0.54 of it is left
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 8 and losses[-1] < losses[0]
    shares = [entry["mode/non_thinking"] for entry in trainer.state.log_history if "mode/non_thinking" in entry]
    assert sum(shares) / len(shares) == pytest.approx(0.25)


def test_micro_batches_change_neither_the_loss_nor_the_weights(make_trainer):
    trained = []
    for name, size in (("whole", 8), ("cut", 2)):
        trained.append(make_trainer(name, steps=2, micro_batch_size=size))  # the making seeds the sampling
        trained[-1].train()
    whole, cut = trained
    losses = [[entry["loss"] for entry in t.state.log_history if "loss" in entry] for t in trained]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    for one, other in zip(whole.model.parameters(), cut.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)


def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(make_trainer):
    whole = make_trainer("whole", steps=5)
    whole.train()
    interrupted = make_trainer("cut", steps=5)
    interrupted.add_callback(StopAfter(3))
    interrupted.train()
    assert interrupted.state.global_step == 3
    again = make_trainer("cut", steps=5)
    again.train(resume_from_checkpoint=f"{again.args.output_dir}/checkpoint-3")
    assert again.state.num_input_tokens_seen == whole.state.num_input_tokens_seen
    for one, other in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=0, rtol=0)


def test_a_teacher_of_another_vocabulary_is_refused(tokenizer, corpus_documents):
    from data.world.general.entities import NAMES
    from data.world.tokenizer import train_tokenizer

    check_same_tokens(tokenizer, tokenizer)
    with pytest.raises(InputError, match="different tokenizers"):
        check_same_tokens(tokenizer, train_tokenizer(corpus_documents, 1000, NAMES))
