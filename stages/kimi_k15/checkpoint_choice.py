"""Checkpoint choice: of the checkpoints that RL kept, the long model that all four ways of long2short start from.

CONSUMES     sampler: the RL model with its kept checkpoints
PRODUCES     model/: the chosen one
PAPER        Kimi k1.5 s.2.4: after the usual RL, the model with the best balance of performance and token efficiency
DEVIATIONS   1 the best balance is the fewest tokens among those whose accuracy is near the best: the paper does not
               weigh the two
             2 it is measured on validation questions of the scale: the paper does not say on what
             3 all four ways start from it, so that they compare: the paper says it of long2short RL
"""

from data.errors import InputError
from data.world.families import verify
from stages.core.run.stage import Run, stage_main
from stages.core.sampling.asking import open_engine
from stages.core.sampling.drawing import draw_rows
from stages.core.sampling.engine import Decoding
from stages.kimi_k15.settings import CheckpointChoice

LAST = "last"


def main(run: Run) -> None:
    from stages.core.machines.weights import kept_checkpoints, load_model, load_tokenizer, save_model

    settings: CheckpointChoice = run.settings
    questions = draw_rows(run, settings.tasks, settings.questions, "validation", settings.seed)
    decoding = Decoding(settings.temperature, settings.max_completion_length, settings.top_p)
    names = [*kept_checkpoints(run, "sampler"), LAST]
    accuracies, tokens = [], []
    for number, name in enumerate(names):
        kept = None if name == LAST else name
        engine = open_engine(run, "sampler", settings.sampling_batch_size, kept=kept)
        answers = engine.answer(questions, settings.samples_per_question, decoding, settings.seed)
        judged = [
            (verify(answer.parsed, row), answer.tokens)
            for row, group in zip(questions, answers, strict=True)
            for answer in group
        ]
        accuracies.append(sum(right for right, _ in judged) / len(judged))
        tokens.append(sum(count for _, count in judged) / len(judged))
        run.metrics.log(number + 1, len(names), accuracy=accuracies[-1], tokens=tokens[-1])
        run.metrics.say(f"{name}: accuracy {accuracies[-1]:.3f}, tokens {tokens[-1]:.1f}")
    best = best_balance(accuracies, tokens, settings.max_accuracy_loss)
    run.metrics.say(f"chosen: {names[best]}")
    model = load_model(run, "sampler", kept=None if names[best] == LAST else names[best])
    headline = {"checkpoints": len(names), "chosen": names[best], "accuracy": accuracies[best], "tokens": tokens[best]}
    save_model(run, model, load_tokenizer(run, "sampler"), "chat", headline)


def best_balance(accuracies: list[float], tokens: list[float], max_accuracy_loss: float) -> int:
    """The place of the checkpoint with the fewest tokens among those at most `max_accuracy_loss` below the best.

    accuracies: in [0, 1]; tokens: the mean of a response; one each checkpoint, in the order of training. Of equals the
    later one is taken. Raises InputError where there is none.
    """
    if not accuracies or len(accuracies) != len(tokens):
        raise InputError(f"{len(accuracies)} accuracies and {len(tokens)} token counts: one each checkpoint is needed")
    enough = max(accuracies) - max_accuracy_loss
    good = [place for place, accuracy in enumerate(accuracies) if accuracy >= enough]
    return min(good, key=lambda place: (tokens[place], -place))


if __name__ == "__main__":
    stage_main(main, __doc__)
