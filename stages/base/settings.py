"""What makes a base model."""

from stages.core.pipeline.settings import Count, Mixture, Positive, Pretraining, Rate, Settings


class Pretrain(Pretraining):
    """`pretraining`: a model trained from nothing on the procedural corpus."""

    run_fields = Pretraining.run_fields | {
        "hidden_size", "layers", "heads", "key_value_heads", "head_size", "feed_forward_size", "vocabulary_size",
        "matrix_learning_rate",
    }  # fmt: skip

    hidden_size: Positive
    """Width of the residual stream."""
    layers: Positive
    """Transformer layers."""
    heads: Positive
    """Attention heads a layer."""
    key_value_heads: Positive
    """Key and value heads a layer, each shared by heads / key_value_heads queries."""
    head_size: Positive = 32
    """Width of an attention head."""
    feed_forward_size: Positive
    """Width of the feed-forward layers."""
    vocabulary_size: Positive
    """Tokens of the tokenizer that is trained on the corpus."""
    steps: Positive
    """Updates of the run."""
    matrix_learning_rate: Rate
    """Learning rate of Muon, which updates the matrices."""


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
    """What the documents of the corpus are drawn from."""
    steps: Count = 0
    """Updates on the corpus before any recipe; 0 takes the model as it is."""
    batch_size: Positive = 8
    """Rows of `max_length` tokens an update."""
    micro_batch_size: Positive = 8
    """Sequences that are in memory at a time; changes no result but rounding."""
    learning_rate: Rate = 1e-4
    """Learning rate, which falls linearly to 0."""
    max_length: Positive = 256
    """Tokens of a row, which holds whole documents."""


SCRIPTS: dict[str, type[Settings]] = {"pretraining": Pretrain, "pretrained": Pretrained}
