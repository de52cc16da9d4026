"""The tiny world's tokenizer: byte-level BPE trained on the corpus, a real transformers tokenizer."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

from data.text.chat import ANSWER_CLOSE, ANSWER_OPEN, CHAT_TEMPLATE, THINK_CLOSE, THINK_OPEN
from data.text.prompts import R1_ZERO_INSTRUCTION

PAD, END_OF_TEXT, TURN_START, TURN_END = "<|pad|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>"
_SINGLE = r"(?:(?<![A-Za-z])[A-Hp-r](?![A-Za-z])|[\u771f\u5047])"
_SPLIT = Regex(
    rf" ?(?:[-+*/] ?)?\p{{N}}{{1,2}}| ?{_SINGLE}"
    rf"|[^\r\n\p{{L}}\p{{N}}]?(?:(?!{_SINGLE})\p{{L}})+"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Qwen's pattern, but a number with its sign (`+12`) is kept whole, and what a thought looks up stands alone: the
letters of options, the variables of a formula, the words for true and false.

So the left side of a step is two tokens and what comes next can be found by looking for one of them: with single
digits a base of this size does not learn to follow a chain in minutes.
"""


LEARNED_FROM = 8_000
"""Documents of a corpus that its tokenizer is trained on: the first ones."""


def train_tokenizer(texts: Iterable[str], vocabulary_size: int, words: Iterable[str]) -> "PreTrainedTokenizerFast":
    """`train_pieces`, as a tokenizer of transformers."""
    from transformers import PreTrainedTokenizerFast  # brings torch, which counting tokens can do without

    return PreTrainedTokenizerFast(
        tokenizer_object=train_pieces(texts, vocabulary_size, words),
        pad_token=PAD,
        eos_token=TURN_END,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )


def train_pieces(texts: Iterable[str], vocabulary_size: int, words: Iterable[str]) -> Tokenizer:
    """A tokenizer without unknowns (256 byte alphabet). Imports no torch.

    words: names that become one token each. The R1-Zero instruction is one token too: spelled out it would be twice
    as long as an answer of this world, and a tiny base cannot read it anyway.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(_SPLIT, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    specials = [PAD, END_OF_TEXT, TURN_START, TURN_END]
    # Not special: TRL decodes completions without special tokens, and the tags must survive that.
    # (Tokens handed to the trainer are saved as special, so these are added afterwards.)
    plain = [THINK_OPEN, THINK_CLOSE, ANSWER_OPEN, ANSWER_CLOSE, R1_ZERO_INSTRUCTION, *words]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size - len(plain),
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in plain])
    return tokenizer
