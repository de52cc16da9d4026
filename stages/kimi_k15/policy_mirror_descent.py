"""Policy mirror descent: Kimi k1.5's reinforcement learning on the long-CoT model.

CONSUMES     from: the long-CoT SFT model; data: the curated prompts with their pass rates
PRODUCES     model/, and in model/kept/ the policy of every few iterations
PAPER        Kimi k1.5 s.2.3.2 (objective, reference and optimizer anew at each iteration), s.2.3.3 (length reward after
             a warm-up), s.2.3.4 (curriculum, prioritised sampling), s.2.6 (partial rollouts, repeat detection)
DEVIATIONS   1 sampling and training take turns, where the paper's run beside each other
             2 no CoT reward model (s.2.3.5): answers are judged by rule
             3 the segments of earlier policies are the ones left out of the loss: the paper says "certain" ones
             4 a repetition is one block of tokens several times in a row: the paper does not say how it is detected
             5 tau, groups, rates and Adam's numbers are the scale's (Adam's by default torch's): the paper names none
             6 with vLLM nothing is weighed by trainer over sampler: Eq. 3 holds for samples of any policy; both
               log-probs are the trainer's
"""

from functools import partial

from stages.core.run.stage import Run, stage_main
from stages.kimi_k15.settings import PolicyMirrorDescent


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.rewards.length_reward import length_reward
    from stages.core.sampling.prompt_choice import chosen_as
    from stages.core.training.callbacks import KeepCheckpoints, ResetOptimizer
    from stages.core.training.grpo import train_policy
    from stages.core.training.mirror_descent import mirror_descent_trainer
    from stages.core.training.objectives import best_of_group, centred_rewards, mirror_descent_terms

    settings: PolicyMirrorDescent = run.settings
    policy, tokenizer = load_model(run), load_tokenizer(run)
    prompts = run.load_rows().to_list()
    choice = chosen_as(settings)  # s.2.3.4: all prompts first, then the hard ones, the less solved the more often
    objective, advantages = partial(mirror_descent_terms, tau=settings.tau), centred_rewards  # Eq. 3
    if settings.objective == "rest":  # the comparison of s.3.5: only the best answers, and no regulariser
        objective, advantages = partial(mirror_descent_terms, tau=0.0), best_of_group
    length = length_reward(settings.group_size)  # s.2.3.3, beside correctness and the penalty for loops
    trainer = mirror_descent_trainer(
        run, policy, tokenizer, prompts, choice, length, objective, advantages, settings.length_from_iteration
    )
    updates = settings.updates_per_iteration * settings.inner_epochs
    trainer.add_callback(ResetOptimizer(updates))  # s.2.3.2
    trainer.add_callback(KeepCheckpoints(run, trainer, tokenizer, settings.keep_every_iterations, updates))  # for s.2.4
    headline = train_policy(run, trainer)
    save_model(run, trainer, tokenizer, "chat", headline)


if __name__ == "__main__":
    stage_main(main, __doc__)
