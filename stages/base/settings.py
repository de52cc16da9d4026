"""What makes a base model."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from data.world.general.entities import NAMES
from stages.base.model_folder import check_folder, context_of, is_name, is_path
from stages.core.allowed.mixtures import CorpusOrNone
from stages.core.allowed.sentences import disagree
from stages.core.allowed.values import Count, GroupSize, LearningRate, Positive, Text, Whole
from stages.core.pipeline.settings import Pretraining, Settings

CONTEXT = 1024
"""Positions of a base that is pretrained here."""
FEWEST_TOKENS = 256 + 4 + 5 + len(NAMES)
"""Of its tokenizer: bytes, special tokens, tags with R1-Zero's instruction, the names of the world."""
LAYERS = frozenset({"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"})
"""Of Qwen3, which it is: what an adapter can be put on."""


def _even(value: int) -> int:
    if value % 2:
        raise ValueError("an even number is needed: positions turn pairs of values")
    return value


Width = Annotated[Whole, Field(gt=0, le=65_536)]
Depth = Annotated[Whole, Field(gt=0, le=512)]


class Pretrain(Pretraining):
    """`pretraining`: a model trained from nothing on the procedural corpus."""

    run_fields = Pretraining.run_fields | {
        "hidden_size", "layers", "heads", "key_value_heads", "head_size", "feed_forward_size", "vocabulary_size",
        "matrix_learning_rate",
    }  # fmt: skip

    hidden_size: Width
    """Width of the residual stream."""
    layers: Depth
    """Transformer layers."""
    heads: Depth
    """Attention heads a layer."""
    key_value_heads: Depth
    """Key and value heads a layer, each shared by heads / key_value_heads queries."""
    head_size: Annotated[Width, AfterValidator(_even)] = 32
    """Width of an attention head."""
    feed_forward_size: Width
    """Width of the feed-forward layers."""
    vocabulary_size: Annotated[Whole, Field(ge=FEWEST_TOKENS, le=1_000_000)]
    """Tokens of the tokenizer that is trained on the corpus."""
    steps: Positive
    """Updates of the run."""
    matrix_learning_rate: LearningRate
    """Learning rate of Muon, which updates the matrices."""

    @model_validator(mode="after")
    def _heads_share(self):
        if self.heads % self.key_value_heads:
            disagree(
                ("key_value_heads", "heads"),
                f"`key_value_heads` is {self.key_value_heads}, allowed: a divisor of `heads`, which is {self.heads}",
            )
        if self.max_length > CONTEXT:
            disagree(("max_length",), f"`max_length` is {self.max_length}, allowed: at most its {CONTEXT} positions")
        return self

    def context(self):
        return CONTEXT

    def adapted_layers(self):
        return LAYERS


class Pretrained(Pretraining):
    """`pretrained`: a published model as a base, which with `steps` goes on learning from the corpus."""

    run_fields = Pretraining.run_fields | {"model", "revision", "package", "micro_batch_size"}

    model: Text
    """A repository of the hub, or a folder; with `package` the name of a GGUF file inside of it."""
    revision: Text | None = None
    """The commit of the repository."""
    package: Annotated[str, Field(pattern=r"^[^\W\d]\w*(\.[^\W\d]\w*)*$")] | None = None
    """The installed Python package that holds the weights."""
    mixture: CorpusOrNone = {}
    """What the documents of the corpus are drawn from."""
    steps: Count = 0
    """Updates on the corpus before any recipe; 0 takes the model as it is."""
    batch_size: Positive = 8
    """Rows of `max_length` tokens an update."""
    micro_batch_size: Positive = 8
    """Sequences that are in memory at a time; changes no result but rounding."""
    learning_rate: LearningRate = 1e-4
    """Learning rate, which falls linearly to 0."""
    max_length: GroupSize = 256
    """Tokens of a row, which holds whole documents."""

    def batches(self):
        return [(("batch_size",), self.batch_size, self.micro_batch_size)] if self.steps else []

    @model_validator(mode="after")
    def _says_where_it_is(self):
        if self.package and self.revision:
            disagree(
                ("revision", "package"), f"`revision` is {self.revision!r}, allowed: without `package`, of the hub"
            )
        if self.steps and not self.mixture:
            disagree(("mixture", "steps"), f"`mixture` is {{}}, allowed: with `steps` 0, which is {self.steps}")
        if not self.package and self.folder() is None and not is_name(self.model):
            disagree(
                ("model",), f"`model` is {self.model!r}, allowed: a folder, or a repository `OWNER/NAME` of the hub"
            )
        return self

    def folder(self) -> Path | None:
        """The folder that holds the model; None where it is the hub's or a package's."""
        found = Path(self.model).expanduser()
        return found if not self.package and (is_path(self.model) or found.exists()) else None

    def context(self):
        folder = self.folder()
        return folder and context_of(folder)

    def check_files(self):
        if folder := self.folder():
            check_folder(folder)


SCRIPTS: dict[str, type[Settings]] = {"pretraining": Pretrain, "pretrained": Pretrained}
