"""The objective: what TRL optimises with our settings is the paper's GRPO, and our log-probs are TRL's."""

import inspect
import math
import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from trl import GRPOTrainer

from data.errors import InputError
from data.world.families import rows
from stages.core.machines.reference import reference_is_policy
from stages.core.rewards.preference import clipped_z_score, sigmoid
from stages.core.rewards.rules import RULES, per_completion
from stages.core.run.stage import Run
from stages.core.training import callbacks, log_probs, rollout_samples, rollout_scores, trl_seam
from stages.core.training.grpo import policy_trainer
from stages.core.training.objectives import group_advantages, grpo_terms
from stages.core.training.trl_seam import RELIED_ON, RELIED_ON_ATTRIBUTES, PolicyTrainer

BETA, EPSILON = 0.05, 10.0
SETTINGS = {
    "template": "r1_zero", "rewards": {"accuracy": 1.0}, "learning_rate": 1e-3, "learning_rate_schedule": "constant",
    "max_gradient_norm": 1.0, "kl_coefficient": BETA, "clip_epsilon": EPSILON, "temperature": 1.0, "group_size": 4,
    "prompts_per_step": 2, "steps_per_rollout": 2, "inner_epochs": 1, "steps": 4, "reference_refresh_steps": 4,
    "max_completion_length": 8,
    "loss_aggregation": "grpo", "advantage_scaling": "group", "tasks": {"arithmetic": 1.0}, "prompts": 16,
    "micro_batch_size": 8,
}  # fmt: skip
REWARDS = [1.0, 0.0, 0.0, 0.0, 1.0, 3.0, 0.5, 2.0]


@pytest.fixture
def make_trainer(model_folder, tokenizer, tmp_path):
    """A trainer as the stages set it up; `given` are the rewards of the completions in their order."""
    from transformers import AutoModelForCausalLM

    def make(given=REWARDS, folder="r1_zero", **changed) -> PolicyTrainer:
        run = Run({
            "recipe": "mine", "scale": "small", "stage": "small_rl", "script": "r1.small_rl", "runs": str(tmp_path),
            "output": str(tmp_path / folder), "system": {}, "public_data": {},
            "inputs": {}, "settings": SETTINGS | changed,
            "paper": {}, "why": {},
        })  # fmt: skip
        model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)
        known = given if callable(given) else lambda completions, batch: (given * 2)[: len(completions)]
        prompts = rows(run.settings.tasks, run.settings.prompts, "train", 0)
        rewards = {"accuracy": known} | {
            name: per_completion(RULES[name]) for name in run.settings.rewards if name != "accuracy"
        }
        objective = partial(grpo_terms, clip_epsilon=EPSILON, kl_coefficient=BETA)
        refresh = run.settings.reference_refresh_steps
        return policy_trainer(run, model, tokenizer, prompts, rewards, objective, refresh_reference_every=refresh)

    return make


@pytest.fixture
def trainer(make_trainer):
    return make_trainer()


def rollout(trainer, prompts=2):
    """One rollout of a group for each of the first prompts."""
    trainer.model.train()
    examples = [trainer.train_dataset[index] for index in range(prompts)]
    return trainer._generate_and_score_completions([example for example in examples for _ in range(4)])


# -- log-probs


FEW = [(3, 4), (6, 1), (1, 7), (4, 5)]
MANY = [(1 + 3 * row % 8, 1 + 7 * row % 9) for row in range(21)]
"""Tokens of the prompt and of the completion, in no order of length; enough rows for several chunks."""


def ragged(trainer, sizes):
    """(ids, mask, completion width, true log-probs) of a batch with more padding than it needs on both sides.

    The log-probs come from each sequence alone, without any padding.
    """
    generator = torch.Generator().manual_seed(5)
    left, right = 9, 11
    ids = torch.full((len(sizes), left + right), trainer.processing_class.pad_token_id)
    mask = torch.zeros_like(ids)
    expected = torch.zeros(len(sizes), right)
    for row, (before, after) in enumerate(sizes):
        sequence = torch.randint(300, 1000, (before + after,), generator=generator)
        place = slice(left - before, left + after)
        ids[row, place], mask[row, place] = sequence, 1
        with torch.no_grad():
            logps = trainer.model(sequence[None]).logits[0].log_softmax(dim=-1)
        picked = logps[:-1].gather(1, sequence[1:, None])[:, 0]
        expected[row, :after] = picked[before - 1 :]
    return ids, mask, right, expected


@pytest.mark.parametrize("batch_size", [None, 1, 4, 20, 100])
@pytest.mark.parametrize("shared", [True, False], ids=["shared", "trimmed"])
def test_log_probs_are_trls(trainer, batch_size, shared, monkeypatch):
    if not shared:
        monkeypatch.setattr(trl_seam, "shares_prompts", lambda model: False)
    ids, mask, width, expected = ragged(trainer, MANY)
    arguments = (trainer.model, ids, mask, width, batch_size)
    with torch.no_grad():
        trimmed, entropies, auxiliary = trainer._get_per_token_logps_and_entropies(*arguments, compute_entropy=True)
        whole, whole_entropies, _ = GRPOTrainer._get_per_token_logps_and_entropies(
            trainer, *arguments, compute_entropy=True
        )
    used = mask[:, -width:].bool()
    assert trimmed.shape == entropies.shape == whole.shape == used.shape and auxiliary is None
    assert (trimmed - whole)[used].abs().max() < 1e-5 * whole[used].abs().max()
    assert (entropies - whole_entropies)[used].abs().max() < 1e-5 * whole_entropies[used].abs().max()
    assert torch.allclose(trimmed[used], expected[used], atol=1e-4)
    assert expected[used].std() > 0.5  # not all alike


def test_trimmed_log_probs_without_entropy_and_at_the_edges(trainer):
    ids, mask, width, expected = ragged(trainer, MANY)
    with torch.no_grad():
        logps, entropies, _ = trainer._get_per_token_logps_and_entropies(trainer.model, ids, mask, width)
        assert entropies is None and torch.allclose(
            logps[mask[:, -width:].bool()], expected[mask[:, -width:].bool()], atol=1e-4
        )
        mask[:, -width:] = 0  # empty completions only
        logps, _, _ = trainer._get_per_token_logps_and_entropies(trainer.model, ids, mask, width)
    assert logps.shape == (len(MANY), width) and torch.isfinite(logps).all()


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "trimmed"])
def test_gradients_flow_through_the_log_probs(trainer, shared, monkeypatch):
    if not shared:
        monkeypatch.setattr(trl_seam, "shares_prompts", lambda model: False)
    ids, mask, width, _ = ragged(trainer, MANY)
    gradients = []
    for compute in (
        trainer._get_per_token_logps_and_entropies,
        super(PolicyTrainer, trainer)._get_per_token_logps_and_entropies,
    ):
        trainer.model.zero_grad()
        (compute(trainer.model, ids, mask, width)[0] * mask[:, -width:]).sum().backward()
        gradients.append(trainer.model.model.embed_tokens.weight.grad.clone())
    assert gradients[0].abs().max() > 0
    assert torch.allclose(*gradients, rtol=1e-4, atol=1e-5 * gradients[1].abs().max().item())


# -- the loss


def by_hand(ratios, kls, advantages):
    """The paper's objective (its negative), token by token, in plain numbers."""
    sequences = []
    for row, advantage in zip(range(len(advantages)), advantages, strict=True):
        tokens = []
        for ratio, kl in zip(ratios[row], kls[row], strict=True):
            clipped = min(max(ratio, 1 - EPSILON), 1 + EPSILON)
            tokens.append(min(ratio * advantage, clipped * advantage) - BETA * kl)
        sequences.append(sum(tokens) / len(tokens))
    return -sum(sequences) / len(sequences)


def test_loss_by_hand(trainer):
    """Sequence mean of token means, k3 without a ratio, clip at 11 for good tokens only."""
    ids, mask, width, _ = ragged(trainer, FEW)
    used = mask[:, -width:]
    lengths = used.sum(dim=1).tolist()
    assert lengths == [4, 1, 7, 5]
    with torch.no_grad():
        logps = trainer._get_per_token_logps_and_entropies(trainer.model, ids, mask, width)[0]
    generator = torch.Generator().manual_seed(6)
    log_ratios = torch.randn(logps.shape, generator=generator) * 0.3
    log_ratios[0, 1] = log_ratios[2, 3] = math.log(20)  # beyond the clip, once good and once bad
    log_ratios[3, 0] = math.log(0.01)
    reference_gaps = torch.randn(logps.shape, generator=generator) * 0.5
    advantages = [1.5, -0.7, -0.4, 0.0]
    batch = {
        "prompt_ids": ids[:, :-width], "prompt_mask": mask[:, :-width], "completion_ids": ids[:, -width:],
        "completion_mask": used, "advantages": torch.tensor(advantages), "old_per_token_logps": logps - log_ratios,
        "ref_per_token_logps": logps + reference_gaps, "num_items_in_batch": used.sum(),
    }  # fmt: skip
    trainer.current_gradient_accumulation_steps = 1
    trainer.model.train()
    loss = trainer._compute_loss(trainer.model, batch)
    stock = GRPOTrainer._compute_loss(trainer, trainer.model, batch)
    assert loss.item() == stock.item()  # TRL's own loss of the same log-probs: the same bits
    trainer._get_per_token_logps_and_entropies = super(PolicyTrainer, trainer)._get_per_token_logps_and_entropies
    assert GRPOTrainer._compute_loss(trainer, trainer.model, batch).item() == pytest.approx(loss.item(), abs=1e-5)
    del trainer._get_per_token_logps_and_entropies
    # The batch holds float32 numbers: the ratios that it implies, in double precision.
    ratios = (logps.double() - batch["old_per_token_logps"].double()).exp()
    gaps = batch["ref_per_token_logps"].double() - logps.double()
    kls = gaps.exp() - gaps - 1
    assert ratios[0, 1] > 11 and ratios[2, 3] > 11 and (kls > 0).all()
    cut = [[row[:length] for row, length in zip(table.tolist(), lengths, strict=True)] for table in (ratios, kls)]
    expected = by_hand(*cut, advantages)
    assert loss.item() == pytest.approx(expected, rel=1e-6, abs=1e-6)
    # The test notices each choice: without the clip, with the token mean, with TRL's bias-corrected k3.
    trainer.objective = partial(grpo_terms, clip_epsilon=30.0, kl_coefficient=BETA)
    assert abs(trainer._compute_loss(trainer.model, batch).item() - expected) > 0.1
    trainer.loss_type = "dapo"
    assert abs(trainer._compute_loss(trainer.model, batch).item() - expected) > 0.1
    trainer.loss_type = "grpo"
    trainer.args.use_bias_correction_kl = True
    assert abs(GRPOTrainer._compute_loss(trainer, trainer.model, batch).item() - expected) > 1e-3


@pytest.mark.parametrize("aggregation", ["grpo", "dapo", "dr_grpo"])
@pytest.mark.parametrize("steps_per_rollout", [1, 2])
def test_trls_loss_is_the_oracle(make_trainer, aggregation, steps_per_rollout):
    """The loss and its gradient are stock TRL's: in bits where the order of operations is the same."""
    trainer = make_trainer(loss_aggregation=aggregation, steps_per_rollout=steps_per_rollout, micro_batch_size=4)
    batch = rollout(trainer)
    trainer.current_gradient_accumulation_steps = 2
    with torch.no_grad():  # a policy that has moved: the ratio and the KL term are live
        for parameter in trainer.model.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    found = []
    for loss_of in (trainer._compute_loss, lambda *given: GRPOTrainer._compute_loss(trainer, *given)):
        trainer.model.zero_grad()
        loss = loss_of(trainer.model, batch)
        loss.backward()
        found.append((loss.item(), trainer.model.model.embed_tokens.weight.grad.clone()))
    (ours, gradient), (stock, stock_gradient) = found
    assert abs(stock) > 1e-4 and stock_gradient.abs().max() > 0
    if aggregation == "grpo":
        assert ours == stock and torch.equal(gradient, stock_gradient)
    else:
        assert ours == pytest.approx(stock, rel=1e-5)
        assert torch.allclose(gradient, stock_gradient, rtol=1e-4, atol=1e-7)


def test_trls_entropy_bonus_is_the_oracle(trainer):
    """With completions of one length, where its mean over tokens is ours over answers; it raises the entropy."""
    ids, mask, width, _ = ragged(trainer, [(3, 6), (5, 6), (1, 6)])
    batch = {
        "prompt_ids": ids[:, :-width], "prompt_mask": mask[:, :-width], "completion_ids": ids[:, -width:],
        "completion_mask": mask[:, -width:], "advantages": torch.zeros(3), "num_items_in_batch": mask.sum(),
    }  # fmt: skip
    trainer.beta = 0.0
    trainer.objective = partial(grpo_terms, clip_epsilon=EPSILON, kl_coefficient=0.0, entropy_coefficient=0.1)
    trainer.entropy_coef, trainer._entropy_bonus_enabled = 0.1, True
    trainer.current_gradient_accumulation_steps = 1
    trainer.model.train()
    stock = GRPOTrainer._compute_loss(trainer, trainer.model, batch)
    ours = trainer._compute_loss(trainer.model, batch)
    ours.backward()
    before = trainer._metrics["train"]["entropy"][-1]  # logged with each micro-batch
    assert ours.item() == pytest.approx(stock.item(), rel=1e-6) and ours.item() == pytest.approx(-0.1 * before)
    assert before > 0.5
    with torch.no_grad():
        for parameter in trainer.model.parameters():
            parameter -= 1e-2 * parameter.grad / (1e-8 + parameter.grad.norm())
    trainer._compute_loss(trainer.model, batch)
    assert trainer._metrics["train"]["entropy"][-1] > before


@pytest.mark.parametrize("scaling", ["group", "batch", "none"])
def test_trls_advantages_are_the_oracle(make_trainer, scaling):
    """What stock TRL makes of the same rewards, in bits, one sample left out that no reward applies to."""
    trainer = make_trainer(given=[1.0, 0.0, 0.3, None, 1.0, 3.0, 0.5, 2.0], advantage_scaling=scaling)
    seen = []
    advantages = trainer.advantages

    def watched(rewards, output):
        seen.append(output["advantages"].clone())
        return advantages(rewards, output)

    trainer.advantages = watched
    assert torch.equal(rollout(trainer)["advantages"], seen[0])


# -- the objective as a function


def test_grpo_terms_by_hand():
    """Two tokens of one good answer and one of a bad one; epsilon 0.2, beta 0.1."""
    old = torch.zeros(2, 2)
    logps = torch.tensor([[1.5, 1.0], [2.0, 1.0]]).log()
    reference = torch.tensor([[3.0, 1.0], [2.0, 1.0]]).log()
    mask = torch.tensor([[1, 1], [1, 0]])
    terms, measures = grpo_terms(logps, old, reference, mask, torch.tensor([1.0, -1.0]), 0.2, 0.1)
    k3 = 2 - math.log(2) - 1  # pi_ref / pi = 2
    # The good answer's ratio 1.5 counts as 1.2; the bad one's ratio 2 counts whole.
    assert terms.tolist() == pytest.approx([(-1.2 + 0.1 * k3 - 1.0) / 2, 2.0], abs=1e-6)
    assert measures["kl"].tolist() == pytest.approx([k3, 0.0], abs=1e-6)
    assert measures["clipped_high"].tolist() == [1.0, 0.0] and measures["clipped_low"].tolist() == [0.0, 0.0]
    assert measures["tokens"].tolist() == [2, 1]
    low, measures = grpo_terms(logps.neg(), old, None, mask, torch.tensor([-1.0, 1.0]), 0.2, 0.0)
    # A bad answer's ratio 2/3 counts as 0.8; a good one's 1/2 counts whole. Without a reference there is no KL.
    assert low.tolist() == pytest.approx([(0.8 + 1.0) / 2, -0.5], abs=1e-6)
    assert measures["clipped_low"].tolist() == [1.0, 0.0] and "kl" not in measures


def test_grpo_terms_at_the_edges():
    logps, nothing = torch.zeros(2, 3), torch.zeros(2, 3)
    terms, _ = grpo_terms(logps, logps, None, nothing, torch.ones(2), 0.2, 0.0)
    assert terms.tolist() == [0.0, 0.0]  # no token: no loss, and no division by zero
    mask = torch.tensor([[1, 1, 0], [1, 1, 1]])
    importance = torch.tensor([[0.5, 1.0, 9.0], [2.0, 2.0, 2.0]])
    weighed, _ = grpo_terms(logps, logps, logps + 1, mask, torch.ones(2), 0.2, 0.1, importance=importance)
    k3 = math.e - 2  # the KL term is not weighed
    assert weighed.tolist() == pytest.approx([-0.75 + 0.1 * k3, -2.0 + 0.1 * k3], abs=1e-6)
    summed, _ = grpo_terms(logps, logps, None, mask, torch.ones(2), 0.2, 0.0, aggregation="dapo")
    assert summed.tolist() == [-2.0, -3.0]


def test_the_entropy_bonus_by_hand():
    """0.1 times the entropy of each token is taken off its loss, whatever its advantage; averaged as the loss is."""
    logps, mask = torch.zeros(2, 2), torch.tensor([[1, 1], [1, 0]])
    entropies = torch.tensor([[2.0, 1.0], [0.5, 9.0]])
    given = (logps, logps, None, mask, torch.tensor([1.0, -1.0]), 0.2, 0.0)
    terms, _ = grpo_terms(*given, entropies=entropies, entropy_coefficient=0.1)
    assert terms.tolist() == pytest.approx([-1.0 - 0.1 * 1.5, 1.0 - 0.1 * 0.5], abs=1e-6)
    summed, _ = grpo_terms(*given, aggregation="dapo", entropies=entropies, entropy_coefficient=0.1)
    assert summed.tolist() == pytest.approx([-2.0 - 0.1 * 3.0, 1.0 - 0.1 * 0.5], abs=1e-6)
    with pytest.raises(ValueError, match="needs the entropies"):
        grpo_terms(*given, entropy_coefficient=0.1)
    without, _ = grpo_terms(*given, entropies=entropies)
    assert torch.equal(without, grpo_terms(*given)[0])


def test_the_gradient_of_the_entropy_bonus_lowers_what_is_likely():
    """dH/dz = -p (log p + H) for logits z: a step downhill takes from the likely token and gives to the others."""
    logits = torch.tensor([2.0, 0.0, -1.0], dtype=torch.float64, requires_grad=True)
    logps = logits.log_softmax(dim=0)
    entropy = -(logps.exp() * logps).sum()
    nothing = torch.zeros(1)
    terms, _ = grpo_terms(
        logps[:1][None], logps[:1][None].detach(), None, torch.ones(1, 1), nothing, 0.2, 0.0,
        entropies=entropy.view(1, 1), entropy_coefficient=0.1,
    )  # fmt: skip
    terms.sum().backward()
    by_hand = 0.1 * logps.exp() * (logps + entropy)
    assert torch.allclose(logits.grad, by_hand.detach()) and logits.grad[0] > 0 > logits.grad[1:].max()


def test_group_advantages_by_hand():
    rewards = torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0, 3.0, 0.5, 2.0])
    found = group_advantages(rewards, 4)
    spread = math.sqrt(59 / 48) + 1e-4
    expected = [0.75 / 0.5001, *[-0.25 / 0.5001] * 3, *((r - 13 / 8) / spread for r in rewards[4:].tolist())]
    assert found.tolist() == pytest.approx(expected, abs=1e-6)
    assert group_advantages(torch.ones(4), 4).tolist() == [0.0] * 4
    left_out = group_advantages(torch.tensor([1.0, 0.0, math.nan, math.nan]), 4, "none")
    assert left_out.tolist() == [0.5, -0.5, 0.0, 0.0]
    assert group_advantages(torch.full((2,), math.nan), 2).tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="5 rewards are no whole groups of 4"):
        group_advantages(torch.ones(5), 4)
    with pytest.raises(ValueError, match="scaling is 'token'"):
        group_advantages(torch.ones(4), 4, "token")


# -- the door to TRL


def test_trl_has_what_the_seam_relies_on():
    for trainer, names in RELIED_ON.items():
        ours = next(kind for kind in vars(trl_seam).values() if isinstance(kind, type) and trainer in kind.__bases__)
        for name in names:
            assert hasattr(trainer, name), f"{trainer.__name__} has no {name} any more"
            if name in vars(ours):
                theirs = [p for p in inspect.signature(getattr(trainer, name)).parameters if p != "self"]
                taken = inspect.signature(vars(ours)[name]).parameters
                variadic = any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in taken.values())
                assert variadic or [p for p in taken if p != "self"] == theirs, f"{name} is called otherwise"


def test_no_private_part_of_trl_is_touched_behind_the_seams_back():
    """Names with an underscore that our trainers use and do not define are those that the seam lists."""
    listed = {name for names in RELIED_ON.values() for name in names} | set(RELIED_ON_ATTRIBUTES)
    for file in Path(callbacks.__file__).parent.glob("*.py"):
        text = file.read_text()
        used = set(re.findall(r"(?:self|trainer|super\(\))\.(_[a-z]\w+)", text))
        defined = set(re.findall(r"def (_\w+)\(", text)) | set(re.findall(r"self\.(_\w+)(?:, [^=]+)? = ", text))
        assert used - defined <= listed, f"{file.name}: {sorted(used - defined - listed)}"


def test_loss_by_hand_in_numbers():
    """The formula itself: ratio 20 counts as 11 with a positive advantage and as 20 with a negative one."""
    assert by_hand([[20.0, 1.0]], [[0.0, 0.0]], [1.0]) == pytest.approx(-6.0)
    assert by_hand([[20.0, 1.0]], [[0.0, 0.0]], [-1.0]) == pytest.approx(10.5)
    # a long and a short sequence weigh the same
    assert by_hand([[1.0], [1.0] * 9], [[0.0], [0.0] * 9], [1.0, -1.0]) == pytest.approx(0.0)
    assert by_hand([[1.0]], [[2.0]], [0.0]) == pytest.approx(2 * BETA)


def test_configuration_is_the_papers(trainer):
    arguments = trainer.args
    assert (trainer.loss_type, trainer.beta, trainer.epsilon_low, trainer.epsilon_high) == (
        "grpo",
        BETA,
        EPSILON,
        EPSILON,
    )
    assert arguments.use_bias_correction_kl is False and arguments.importance_sampling_level == "token"
    assert arguments.delta is None and arguments.mask_truncated_completions is False
    assert (arguments.top_p, arguments.top_k, arguments.temperature) == (1.0, 0, 1.0)
    assert (arguments.sync_ref_model, arguments.ref_model_sync_steps, arguments.ref_model_mixup_alpha) == (True, 4, 1.0)
    assert (arguments.num_iterations, arguments.steps_per_generation, trainer.num_generations) == (1, 2, 4)


# -- advantages


def test_advantages_by_hand(trainer):
    """(R - mean) / (std + 1e-4) in each group, std with n - 1."""
    # 1, 0, 0, 0: mean 1/4, std 1/2.  1, 3, 0.5, 2: mean 13/8, std sqrt(59/48).
    spread = math.sqrt(59 / 48) + 1e-4
    expected = [0.75 / 0.5001, *[-0.25 / 0.5001] * 3, *((reward - 13 / 8) / spread for reward in REWARDS[4:])]
    assert rollout(trainer)["advantages"].tolist() == pytest.approx(expected, abs=1e-6)


def test_a_group_of_equal_rewards_has_no_advantage(make_trainer):
    trainer = make_trainer(given=[1.0] * 4 + [0.0] * 4)
    batch = rollout(trainer)
    assert batch["advantages"].tolist() == [0.0] * 8
    # The policy is its own reference: no advantage, no KL, no loss and no gradient.
    trainer.current_gradient_accumulation_steps = 1
    loss = trainer._compute_loss(trainer.model, batch)
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-7)
    assert all(parameter.grad.abs().max() < 1e-7 for parameter in trainer.model.parameters())


def test_advantages_without_scaling(make_trainer):
    advantages = rollout(make_trainer(advantage_scaling="none"))["advantages"].tolist()
    assert advantages == pytest.approx([0.75, -0.25, -0.25, -0.25, -0.625, 1.375, -1.125, 0.375], abs=1e-6)


def test_rewards_are_weighted_and_measures_weigh_nothing(make_trainer):
    """The random policy earns no rule reward, so only the given rewards count, twice."""
    trainer = make_trainer(rewards={"accuracy": 2.0, "format": 0.5}, advantage_scaling="none", template="chat")
    assert trainer.reward_func_names == ["accuracy", "format", "language", "tries"]
    assert trainer.reward_weights.tolist() == [2.0, 0.5, 0.0, 0.0]
    advantages = rollout(trainer)["advantages"].tolist()
    assert advantages == pytest.approx([1.5, -0.5, -0.5, -0.5, -1.25, 2.75, -2.25, 0.75], abs=1e-6)


def test_a_reward_that_does_not_apply_is_left_out(make_trainer):
    trainer = make_trainer(given=[1.0, 0.0, 0.0, 0.0] + [None] * 4)
    batch = rollout(trainer)
    assert batch["advantages"].tolist()[4:] == [0.0] * 4
    assert trainer._metrics["train"]["rewards/accuracy/mean"] == [0.25]


def test_rewards_see_what_the_policy_wrote(make_trainer, tokenizer):
    seen = []

    def watch(completions, batch):
        seen.extend(zip(completions, batch, strict=True))
        return [0.0] * len(completions)

    trainer = make_trainer(given=watch)
    batch = rollout(trainer)
    assert [row["id"] for _, row in seen] == [
        trainer.train_dataset[index]["row"]["id"] for index in (0, 1) for _ in range(4)
    ]
    for (completion, _), ids, mask in zip(seen, batch["completion_ids"], batch["completion_mask"], strict=True):
        written = ids[mask.bool()].tolist()
        assert completion.tokens == len(written) and completion.template == "r1_zero"
        assert completion.text == tokenizer.decode(written, skip_special_tokens=True)
        assert completion.finished is (written[-1] in trainer.eos_token_ids)


# -- a short run


def weights(model):
    return {name: weight.detach().clone() for name, weight in model.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("steps_per_rollout", [2, 1])
def test_a_sampler_that_is_not_the_policy_stops_the_run(make_trainer, monkeypatch, steps_per_rollout):
    trainer = make_trainer(steps_per_rollout=steps_per_rollout)
    batch = rollout(trainer)  # the same weights on both sides
    assert ("old_per_token_logps" in batch) == (steps_per_rollout > 1)  # TRL scores no rollout for a single update
    assert trainer._metrics["train"]["sampling/logp_gap_max"][-1] < 1e-3
    sample = rollout_samples.sample_completions

    def stale(*arguments):
        ids, logps = sample(*arguments)
        return ids, [[logp - 0.5 for logp in row] for row in logps]

    monkeypatch.setattr(rollout_samples, "sample_completions", stale)
    with pytest.raises(InputError, match="the sampler and the trainer disagree"):
        rollout(trainer)


def nothing(completions, batch):
    """A reward."""
    return [0.0] * len(completions)


@pytest.fixture
def scored(monkeypatch):
    """(model, rows) of each call that has scored completions of a rollout."""
    found = []
    score = rollout_scores.log_probs_of

    def watched(trainer, model, output, rows=None):
        found.append((model, len(output["completion_ids"]) if rows is None else len(rows)))
        return score(trainer, model, output, rows)

    monkeypatch.setattr(rollout_scores, "log_probs_of", watched)
    return found


def test_a_rollout_of_this_policy_is_scored_once(make_trainer, scored):
    """The sampler's log-probs stand for the policy's, which is its own reference until its first update."""
    trainer = make_trainer(given=nothing)
    batch = rollout(trainer, prompts=8)
    assert scored == [(trainer.model, 16)] and len(batch["completion_ids"]) == 32
    assert torch.equal(batch["old_per_token_logps"], batch["sampling_per_token_logps"])
    assert torch.equal(batch["ref_per_token_logps"], batch["sampling_per_token_logps"])
    exact = rollout_scores.log_probs_of(trainer, trainer.model, batch)
    used = batch["completion_mask"].bool()
    assert (batch["old_per_token_logps"] - exact)[used].abs().max() < 1e-5
    with torch.no_grad():
        for parameter in trainer.model.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    scored.clear()
    moved = rollout(trainer, prompts=8)
    assert scored == [(trainer.model, 16), (trainer.ref_model, 32)]
    gap = (moved["ref_per_token_logps"] - moved["old_per_token_logps"])[moved["completion_mask"].bool()]
    assert gap.abs().mean() > 1e-3


def test_weights_in_shards_are_not_compared(trainer, monkeypatch):
    assert reference_is_policy(trainer)
    for sharded in ("is_fsdp_enabled", "is_deepspeed_enabled"):
        with monkeypatch.context() as patch:
            patch.setattr(trainer, sharded, True)
            assert not reference_is_policy(trainer)


def test_a_rollout_is_scored_in_micro_batches(make_trainer, monkeypatch):
    """Never all of it at once: a micro-batch is known to fit into memory."""
    trainer = make_trainer(given=nothing)
    batch = rollout(trainer, prompts=8)
    compute, rows = log_probs._of_batch, []

    def watched(model, ids, *rest):
        rows.append(len(ids))
        return compute(model, ids, *rest)

    monkeypatch.setattr(log_probs, "_of_batch", watched)
    found = rollout_scores.log_probs_of(trainer, trainer.model, batch)
    assert rows == [8] * 4 and found.shape == batch["completion_ids"].shape


def test_a_sampler_that_is_nearly_the_policy_is_not_believed(make_trainer, scored, monkeypatch):
    trainer = make_trainer(given=nothing, kl_coefficient=0.0)
    sample = rollout_samples.sample_completions

    def rounded(*arguments):
        ids, logps = sample(*arguments)
        return ids, [[logp - 1e-3 for logp in row] for row in logps]

    monkeypatch.setattr(rollout_samples, "sample_completions", rounded)
    batch = rollout(trainer, prompts=8)
    assert scored == [(trainer.model, 16), (trainer.model, 32)]
    gap = (batch["old_per_token_logps"] - batch["sampling_per_token_logps"])[batch["completion_mask"].bool()]
    assert gap.tolist() == pytest.approx([1e-3] * len(gap), abs=1e-5)
    assert "ref_per_token_logps" not in batch


def test_tokens_of_a_run(make_trainer):
    """Two rollouts of 4 prompts with 4 completions each; each completion is learned from once."""
    trainer = make_trainer()
    seen = []
    roll = trainer._generate_and_score_completions

    def watched(inputs):
        output = roll(inputs)
        lengths = dict(
            zip(map(tuple, output["prompt_ids"].tolist()), output["prompt_mask"].sum(1).tolist(), strict=True)
        )
        seen.append((sum(lengths.values()), int(output["completion_mask"].sum())))
        return output

    trainer._generate_and_score_completions = watched
    trainer.train()
    prompt, written = map(sum, zip(*seen, strict=True))
    assert len(seen) == 2 and prompt > 0 and written > 0
    assert trainer.count_tokens() == {"prompt": prompt, "generated": written, "trained": written}


def test_reference_is_replaced_by_the_policy_and_saved(make_trainer):
    """A rollout serves two updates; after step 2 the reference is the policy, after step 4 it is so again."""
    trainer = make_trainer(reference_refresh_steps=2)
    trainer.add_callback(callbacks.CompletionLengthCallback(trainer, 11, from_step=2))
    start = weights(trainer.ref_model)
    widths, references = [], []
    generate, compute = trainer._generate_and_score_completions, trainer._compute_loss

    def watched_generate(inputs):
        references.append(weights(trainer.ref_model))
        assert same(references[-1], weights(trainer.model))  # at the start and after each refresh
        widths.append(trainer.max_completion_length)
        return generate(inputs)

    ratios = []

    def watched_loss(model, inputs):
        ratios.append("old_per_token_logps" in inputs)
        return compute(model, inputs)

    trainer._generate_and_score_completions, trainer._compute_loss = watched_generate, watched_loss
    trainer.train()
    assert [row["entropy"] > 0 for row in trainer.state.log_history if "loss" in row] == [True] * 4
    assert len(references) == 2 and ratios == [True] * 4  # the ratio is live in every update
    assert same(references[0], start) and not same(references[1], start)
    assert widths == [8, 11]  # longer completions from step 2 on
    # A resumed run gets the reference back, which is not the policy that it started from.
    fresh = make_trainer(folder="resumed")
    assert same(weights(fresh.ref_model), start)
    (checkpoint,) = Path(trainer.args.output_dir).glob("checkpoint-*")
    fresh._load_from_checkpoint(str(checkpoint))
    assert same(weights(fresh.ref_model), weights(trainer.ref_model))
    assert same(weights(fresh.model), weights(trainer.model))


def test_a_run_that_is_stopped_within_a_rollout_ends_as_one_that_is_not(make_trainer):
    whole = make_trainer(folder="whole")
    whole.train()
    stopped = make_trainer(folder="stopped")
    run = SimpleNamespace(stop_requested=True)
    stopped.add_callback(callbacks.StopCallback(run))
    stopped.train()
    assert stopped.state.global_step == 1  # of the two that a rollout serves
    again = make_trainer(folder="stopped")
    sampled, generate = [], again._generate_and_score_completions
    again._generate_and_score_completions = lambda inputs: sampled.append(again.state.global_step) or generate(inputs)
    again.train(resume_from_checkpoint=f"{again.args.output_dir}/checkpoint-1")
    assert sampled == [2] and again.state.global_step == 4
    assert same(weights(again.model), weights(whole.model))


def test_a_run_that_was_killed_after_its_last_step_takes_none_more(make_trainer):
    whole = make_trainer(folder="whole")
    whole.train()
    again = make_trainer(folder="whole")
    saved = SimpleNamespace(resume_from=f"{whole.args.output_dir}/checkpoint-4", check_stopped=lambda: None)
    callbacks.train(again, saved)
    assert again.state.global_step == 4 and same(weights(again.model), weights(whole.model))
    assert again.state.log_history[: len(whole.state.log_history) - 1] == whole.state.log_history[:-1]  # but its time


# -- pure pieces


@pytest.mark.parametrize(
    ("score", "mean", "deviation", "clip", "expected"),
    [
        (3.0, 1.0, 2.0, 3.0, 1.0),
        (-2.0, 1.0, 2.0, 3.0, -1.5),
        (1.0, 1.0, 2.0, 3.0, 0.0),
        (9.0, 1.0, 2.0, 3.0, 3.0),
        (-99.0, 1.0, 2.0, 3.0, -3.0),
        (7.0, 1.0, 2.0, 3.0, 3.0),  # just at the clip
        (5.0, 1.0, 0.0, 3.0, 0.0),  # all scores alike
    ],
)
def test_clipped_z_score(score, mean, deviation, clip, expected):
    assert clipped_z_score(score, mean, deviation, clip) == expected


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0.0, 0.5), (math.log(3), 0.75), (-math.log(3), 0.25), (1000.0, 1.0), (-1000.0, 0.0), (-30.0, math.exp(-30))],
)
def test_sigmoid(score, expected):
    assert sigmoid(score) == pytest.approx(expected, rel=1e-12, abs=1e-300)
