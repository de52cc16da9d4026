"""What makes a base model."""

from stages.core.pipeline.settings import Count, Mixture, Positive, Pretraining, Rate, Settings


class Pretrain(Pretraining):
    """`pretraining`: a model trained from nothing on the procedural corpus."""

    run_fields = Pretraining.run_fields | {
        "hidden_size", "layers", "heads", "key_value_heads", "head_size", "feed_forward_size", "vocabulary_size",
        "matrix_learning_rate",
    }  # fmt: skip

    hidden_size: Positive
    layers: Positive
    heads: Positive
    key_value_heads: Positive
    head_size: Positive = 32
    feed_forward_size: Positive
    vocabulary_size: Positive
    steps: Positive
    matrix_learning_rate: Rate


class Pretrained(Pretraining):
    """`pretrained`: a published model as a base, which with `steps` goes on learning from the corpus."""

    run_fields = Pretraining.run_fields | {"model", "revision", "package", "micro_batch_size"}

    model: str
    """A repository of the hub, or a folder; with `package` the name of a GGUF file inside of it."""
    revision: str | None = None
    """The commit of the repository."""
    package: str | None = None
    """The installed Python package that holds the weights."""
    mixture: Mixture = {}
    steps: Count = 0
    batch_size: Positive = 8
    micro_batch_size: Positive = 8
    learning_rate: Rate = 1e-4
    max_length: Positive = 256


SCRIPTS: dict[str, type[Settings]] = {"pretraining": Pretrain, "pretrained": Pretrained}
