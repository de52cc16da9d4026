"""Long2short RL: a second phase of reinforcement learning, with the length reward from its start and less room.

CONSUMES     from: the model with the best balance of accuracy and tokens; data: the curated prompts
PRODUCES     model/ that answers shorter
PAPER        Kimi k1.5 s.2.4: after the usual RL a separate phase with the length penalty and a shorter longest rollout
DEVIATIONS   1 how prompts are chosen, and every number, is the scale's: the paper names none for this phase
             2 sampling and training take turns, where the paper's run beside each other
             3 no CoT reward model (s.2.3.5): answers are judged by rule
             4 the segments of earlier policies are the ones left out of the loss: the paper says "certain" ones
             5 with vLLM nothing is weighed by trainer over sampler: Eq. 3 holds for samples of any policy
"""

from functools import partial

from stages.core.run.stage import Run, stage_main
from stages.kimi_k15.settings import Long2ShortRL


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.rewards.length_reward import length_reward
    from stages.core.sampling.prompt_choice import chosen_as
    from stages.core.training.callbacks import ResetOptimizer
    from stages.core.training.grpo import train_policy
    from stages.core.training.mirror_descent import mirror_descent_trainer
    from stages.core.training.objectives import centred_rewards, mirror_descent_terms

    settings: Long2ShortRL = run.settings
    policy, tokenizer = load_model(run), load_tokenizer(run)
    prompts = run.load_rows().to_list()
    choice = chosen_as(settings)
    objective = partial(mirror_descent_terms, tau=settings.tau)  # Eq. 3
    length = length_reward(settings.group_size)  # from the first iteration on
    trainer = mirror_descent_trainer(run, policy, tokenizer, prompts, choice, length, objective, centred_rewards)
    trainer.add_callback(ResetOptimizer(settings.updates_per_iteration * settings.inner_epochs))
    headline = train_policy(run, trainer)
    save_model(run, trainer, tokenizer, "chat", headline)


if __name__ == "__main__":
    stage_main(main, __doc__)
