"""Sampling: the tokens of `model.generate`, the right distribution, and the right completion for each prompt."""

import copy
import math
from collections import Counter
from types import SimpleNamespace

import pytest
import torch

from data.text.chat import render_prompt
from data.text.completion import Completion
from stages.core.run.parts import Parts
from stages.core.sampling.engine import Decoding
from stages.core.sampling.generation import TransformersEngine, penalised, sample_completions, sample_tokens

PROMPTS = ["Start at 5: +3, -2. Result?", "从5开始:+7。", "x", "Pick two of 1 5 6 7 8 that add to 9.", "Who are you?"]
NEW = 24


def padded(tokenizer, prompts=PROMPTS):
    batch = tokenizer(prompts, return_tensors="pt", padding=True)
    return batch["input_ids"], batch["attention_mask"]


def reference(model, input_ids, attention_mask, ends):
    """Greedy completions by transformers' own loop, cut after the end token."""
    output = model.generate(
        input_ids, attention_mask=attention_mask, max_new_tokens=NEW, do_sample=False, eos_token_id=ends, pad_token_id=0
    )
    completions = []
    for ids in output[:, input_ids.shape[1] :].tolist():
        stop = next((index + 1 for index, token in enumerate(ids) if token in ends), NEW)
        completions.append(ids[:stop])
    return completions


def greedy(model, input_ids, attention_mask, ends, new=NEW):
    return sample_completions(model, input_ids, attention_mask, new, 0.0, 1.0, ends)[0]


# -- greedy decoding


def test_greedy_equals_generate_where_nothing_ends(model, tokenizer):
    inputs, never = padded(tokenizer), [tokenizer.pad_token_id]
    assert len(set(inputs[1].sum(dim=1).tolist())) > 2  # prompts of several lengths
    found = greedy(model, *inputs, never)
    assert found == reference(model, *inputs, never)
    assert [len(ids) for ids in found] == [NEW] * len(PROMPTS)
    assert len({tuple(ids) for ids in found}) == len(PROMPTS)


def test_greedy_equals_generate_where_sequences_end_at_different_steps(model, tokenizer):
    inputs = padded(tokenizer)
    endless = greedy(model, *inputs, [tokenizer.pad_token_id])
    ends = [endless[0][2], endless[1][7]]
    found = greedy(model, *inputs, ends)
    assert found == reference(model, *inputs, ends)
    lengths = [len(ids) for ids in found]
    assert lengths[0] <= 3 and lengths[1] <= 8 and len(set(lengths)) > 1
    for ids, full in zip(found, endless, strict=True):
        assert ids == full[: len(ids)]  # an end changes nothing before it, and nothing in other rows
        assert not set(ids[:-1]) & set(ends)
        assert ids[-1] in ends or len(ids) == NEW


def test_finished_sequences_that_stay_in_the_batch_change_nothing(model, tokenizer):
    """One of sixteen has finished: fewer than are worth a cut."""
    input_ids, attention_mask = padded(tokenizer, [PROMPTS[0]] + [PROMPTS[1]] * 15)
    endless = greedy(model, input_ids, attention_mask, [tokenizer.pad_token_id])
    end = next(token for token in endless[0] if token not in endless[1])
    found = greedy(model, input_ids, attention_mask, [end])
    assert found == [endless[0][: endless[0].index(end) + 1]] + endless[1:]


def test_padding_does_not_matter(model, tokenizer):
    never = [tokenizer.pad_token_id]
    together = greedy(model, *padded(tokenizer), never)
    assert together == [greedy(model, *padded(tokenizer, [prompt]), never)[0] for prompt in PROMPTS]


def test_equal_prompts_are_computed_once(model, tokenizer):
    """And their completions drawn one by one."""
    widths = []
    model.register_forward_pre_hook(
        lambda _, __, inputs: widths.append(tuple(inputs["input_ids"].shape)), with_kwargs=True
    )
    input_ids, attention_mask = padded(tokenizer, [PROMPTS[0], PROMPTS[1], PROMPTS[0]] + [PROMPTS[3]] * 5)
    torch.manual_seed(0)
    ids, _ = sample_completions(model, input_ids, attention_mask, 8, 1.0, 1.0, [tokenizer.pad_token_id])
    assert widths == [(3, input_ids.shape[1])] + [(8, 1)] * 7
    assert len(set(map(tuple, ids))) == 8
    found = greedy(model, input_ids, attention_mask, [tokenizer.pad_token_id], 8)
    assert found == [
        greedy(model, *padded(tokenizer, [PROMPTS[i]]), [tokenizer.pad_token_id], 8)[0]
        for i in (0, 1, 0, 3, 3, 3, 3, 3)
    ]


def test_any_of_several_ends_stops_and_is_kept(model, tokenizer):
    inputs = padded(tokenizer, PROMPTS[:1])
    ids = greedy(model, *inputs, [tokenizer.pad_token_id])[0]
    early, late = ids[0], next(token for token in ids if token != ids[0])
    assert greedy(model, *inputs, [early, late]) == greedy(model, *inputs, [late, early]) == [[early]]
    assert greedy(model, *inputs, [late]) == [ids[: ids.index(late) + 1]]


@pytest.mark.parametrize("new", [1, 3])
def test_a_sequence_that_never_ends_has_max_new_tokens(model, tokenizer, new):
    found = greedy(model, *padded(tokenizer), [tokenizer.pad_token_id], new)
    assert [len(ids) for ids in found] == [new] * len(PROMPTS)


def test_the_model_stays_as_it_was(model, tokenizer):
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    greedy(model, *padded(tokenizer), [tokenizer.pad_token_id], 3)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


# -- sampling a token


def frequencies(probabilities, temperature, top_p, top_k=0, draws=20_000):
    torch.manual_seed(3)
    logits = torch.tensor(probabilities).log().expand(draws, -1)
    counts = torch.bincount(sample_tokens(logits, temperature, top_p, top_k), minlength=len(probabilities))
    return (counts / draws).tolist()


@pytest.mark.parametrize(
    ("probabilities", "temperature", "top_p", "expected"),
    [
        ([0.5, 0.25, 0.15, 0.1], 1.0, 1.0, [0.5, 0.25, 0.15, 0.1]),
        # 0.5 + 0.25 do not reach 0.8, with 0.15 they do: three tokens share 0.9
        ([0.5, 0.25, 0.15, 0.1], 1.0, 0.8, [0.5 / 0.9, 0.25 / 0.9, 0.15 / 0.9, 0.0]),
        ([0.5, 0.25, 0.15, 0.1], 1.0, 0.7, [2 / 3, 1 / 3, 0.0, 0.0]),
        ([0.5, 0.25, 0.15, 0.1], 1.0, 0.4, [1.0, 0.0, 0.0, 0.0]),
        ([0.1, 0.15, 0.25, 0.5], 1.0, 0.8, [0.0, 0.15 / 0.9, 0.25 / 0.9, 0.5 / 0.9]),  # wherever they stand
        ([0.25, 0.1, 0.5, 0.15], 1.0, 0.7, [1 / 3, 0.0, 2 / 3, 0.0]),
        # temperature 1/2 squares: 25, 6.25, 2.25, 1 of 34.5
        ([0.5, 0.25, 0.15, 0.1], 0.5, 1.0, [25 / 34.5, 6.25 / 34.5, 2.25 / 34.5, 1 / 34.5]),
        # the temperature comes before top-p: 25 + 6.25 of 34.5 reach 0.8 (without it 0.5 + 0.25 do not)
        ([0.5, 0.25, 0.15, 0.1], 0.5, 0.8, [0.8, 0.2, 0.0, 0.0]),
        ([0.0, 1.0, 0.0], 1.0, 0.95, [0.0, 1.0, 0.0]),
    ],
)
def test_sample_tokens_frequencies(probabilities, temperature, top_p, expected):
    found = frequencies(probabilities, temperature, top_p)
    for share, probability in zip(found, expected, strict=True):
        assert share == pytest.approx(probability, abs=4 * (probability * (1 - probability) / 20_000) ** 0.5)


@pytest.mark.parametrize(
    ("top_k", "temperature", "top_p", "expected"),
    [
        (1, 1.0, 1.0, [0.0, 1.0, 0.0, 0.0]),
        (2, 1.0, 1.0, [1 / 3, 2 / 3, 0.0, 0.0]),
        (3, 1.0, 1.0, [0.25 / 0.9, 0.5 / 0.9, 0.0, 0.15 / 0.9]),
        (4, 1.0, 1.0, [0.25, 0.5, 0.1, 0.15]),
        (9, 1.0, 0.8, [0.25 / 0.9, 0.5 / 0.9, 0.0, 0.15 / 0.9]),  # more than there are: top-p alone
        # top-p is of what top-k leaves: of 0.5 and 0.25 the first has two thirds, of all tokens only half
        (2, 1.0, 0.6, [0.0, 1.0, 0.0, 0.0]),
        (0, 1.0, 0.6, [1 / 3, 2 / 3, 0.0, 0.0]),
        # temperature 1/2 squares, before both
        (2, 0.5, 1.0, [0.2, 0.8, 0.0, 0.0]),
        (2, 0.5, 0.75, [0.0, 1.0, 0.0, 0.0]),
    ],
)
def test_top_k_comes_before_top_p(top_k, temperature, top_p, expected):
    found = frequencies([0.25, 0.5, 0.1, 0.15], temperature, top_p, top_k)
    for share, probability in zip(found, expected, strict=True):
        assert share == pytest.approx(probability, abs=4 * (probability * (1 - probability) / 20_000) ** 0.5)


def test_a_draw_without_cuts_is_where_a_uniform_number_hits_the_distribution():
    """To the bit: what is sampled for a seed may not change."""
    logits = torch.randn(64, 200, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(5)
    drawn = sample_tokens(logits, 0.6, 1.0)
    torch.manual_seed(5)
    reached = (logits / 0.6).softmax(dim=-1).cumsum(dim=-1, dtype=torch.float64)
    at = torch.rand((64, 1), dtype=torch.float64) * reached[:, -1:]
    assert torch.equal(drawn, (reached <= at).sum(dim=-1))


def test_without_top_k_the_draws_are_the_same():
    logits = torch.randn(64, 200, generator=torch.Generator().manual_seed(1))
    for top_p in (1.0, 0.95, 0.2):
        drawn = []
        for top_k in (0, 200):
            torch.manual_seed(5)
            drawn.append(sample_tokens(logits, 1.0, top_p, top_k))
        assert torch.equal(*drawn)


def test_rows_are_sampled_by_themselves():
    torch.manual_seed(0)
    logits = torch.tensor([[0.6, 0.3, 0.1], [0.1, 0.3, 0.6]]).log().repeat(500, 1)
    chosen = sample_tokens(logits, 1.0, 0.5).reshape(500, 2)
    assert set(chosen[:, 0].tolist()) == {0} and set(chosen[:, 1].tolist()) == {2}


@pytest.mark.parametrize("top_p", [0.2, 0.5, 0.8, 0.95, 0.999])
@pytest.mark.parametrize("spread", [0.1, 2.0, 5.0, 20.0])
def test_a_nucleus_is_that_of_all_tokens_in_order(spread, top_p):
    """Rows that one token decides, that a few do, and that need all: as if each had been ordered whole."""
    torch.manual_seed(3)
    logits = torch.randn(200, 300) * torch.linspace(0, spread, 200)[:, None]
    torch.manual_seed(4)
    drawn = sample_tokens(logits, 0.6, top_p)
    torch.manual_seed(4)
    likely, tokens = (logits / 0.6).softmax(-1).double().sort(dim=-1, descending=True)
    kept = likely * (likely.cumsum(-1) - likely < top_p)
    reached = kept.cumsum(-1)
    at = torch.rand((200, 1), dtype=torch.float64) * reached[:, -1:]
    expected = tokens.gather(1, torch.searchsorted(reached, at, right=True))[:, 0]
    assert (drawn == expected).float().mean() >= 0.99  # the rest is rounding at an edge


@pytest.mark.parametrize("top_p", [1.0, 0.5])
def test_temperature_zero_is_argmax(top_p):
    logits = torch.randn(50, 30, generator=torch.Generator().manual_seed(1))
    assert torch.equal(sample_tokens(logits, 0, top_p), logits.argmax(dim=-1))


# -- presence penalty


class Replay:
    """A model whose logits after any token are the same row."""

    def __init__(self, logits, config):
        self.row, self.config = torch.tensor(logits), config

    def __call__(self, input_ids, **_):
        return SimpleNamespace(logits=self.row.expand(len(input_ids), 1, -1).clone())


def test_the_penalty_is_taken_off_once_where_a_token_is_present():
    logits, present = torch.tensor([[1.0, 2.0, -1.0]] * 2), torch.tensor([[True, False, True], [False, False, False]])
    assert penalised(logits, present, 1.5).tolist() == [[-0.5, 2.0, -2.5], [1.0, 2.0, -1.0]]
    assert logits.tolist() == [[1.0, 2.0, -1.0]] * 2


@pytest.mark.parametrize(
    ("penalty", "expected"),
    [
        (0.0, [0, 0, 0, 0, 0]),
        # 3.0, 2.0, 1.0, 0: token 0 falls to 1.5, then 1 to 0.5; 0 is ahead from there on, however often it is written
        (1.5, [0, 1, 0, 0, 0]),
        (2.5, [0, 1, 2, 0, 0]),
        (-1.0, [0, 0, 0, 0, 0]),
    ],
)
def test_tokens_of_the_completion_are_penalised_and_those_of_the_prompt_are_not(model, penalty, expected):
    prompt = torch.tensor([[0, 1, 0]])  # tokens 0 and 1 stand in the prompt, at no cost
    [ids], [logps] = sample_completions(
        Replay([3.0, 2.0, 1.0, 0.0], model.config), prompt, torch.ones_like(prompt), 5, 0.0, 1.0, [9],
        presence_penalty=penalty,
    )  # fmt: skip
    assert ids == expected
    own = torch.tensor([3.0, 2.0, 1.0, 0.0]).log_softmax(dim=-1)
    assert logps == pytest.approx(own[ids].tolist())  # the model's, without the penalty


def test_a_completion_is_penalised_for_its_own_tokens_alone(model, tokenizer):
    """Also behind one that has ended and left the batch."""
    inputs = padded(tokenizer)
    endless = sample_completions(model, *inputs, NEW, 0.0, 1.0, [tokenizer.pad_token_id], presence_penalty=2.0)[0]
    ends = [endless[0][2], endless[1][7]]
    together = sample_completions(model, *inputs, NEW, 0.0, 1.0, ends, presence_penalty=2.0)[0]
    alone = [
        sample_completions(model, *padded(tokenizer, [prompt]), NEW, 0.0, 1.0, ends, presence_penalty=2.0)[0][0]
        for prompt in PROMPTS
    ]
    assert together == alone and len({len(ids) for ids in together}) > 1
    assert together != greedy(model, *inputs, ends)


def test_the_engine_passes_top_k_and_penalty_on(model, tokenizer):
    one = engine(model, tokenizer)
    plain = one.generate(PROMPTS, 2, Decoding(1.0, 12), 1)
    assert one.generate(PROMPTS, 2, Decoding(1.0, 12, 1.0, 0, 0.0), 1) == plain
    assert one.generate(PROMPTS, 1, Decoding(1.0, 12, top_k=1), 1) == one.generate(PROMPTS, 1, Decoding(0, 12), 1)
    assert one.generate(PROMPTS, 2, Decoding(1.0, 12, presence_penalty=2.0), 1) != plain


# -- the engine


def engine(model, tokenizer, batch_size=4, template="chat", processes=1):
    return TransformersEngine(model, tokenizer, template, batch_size, processes)


def test_processes_sample_what_one_would_and_keep_what_is_finished(model, tokenizer, monkeypatch, tmp_path):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    decoding, one, two = Decoding(1.0, 12), engine(model, tokenizer), engine(model, tokenizer, processes=2)
    two.parts, two.tokens = Parts(tmp_path), Counter()
    assert two.processes == 2 and engine(model, tokenizer, processes=8).processes == 2
    found = two.generate(PROMPTS, 3, decoding, 1)
    assert found == one.generate(PROMPTS, 3, decoding, 1)
    assert two.tokens["generated"] == sum(completion.tokens for group in found for completion in group)
    assert two.parts.files() == math.ceil(3 * len(PROMPTS) / 4) > 1
    monkeypatch.setattr(two, "_batch", None)  # nothing is left to be sampled
    assert two.generate(PROMPTS, 3, decoding, 1) == found


def test_same_seed_same_completions(model, tokenizer):
    decoding = Decoding(1.0, 12, 0.95)
    first, again, other = (engine(model, tokenizer).generate(PROMPTS, 3, decoding, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert [len(group) for group in first] == [3] * len(PROMPTS)
    assert all(len({completion.text for completion in group}) > 1 for group in first)  # not one sample three times


def test_completions_are_in_the_order_of_the_prompts(model, tokenizer):
    decoding = Decoding(0, 8)
    alone = [engine(model, tokenizer).generate([prompt], 1, decoding, 0)[0][0] for prompt in PROMPTS]
    assert len({completion.text for completion in alone}) == len(PROMPTS)
    for batch_size in (1, 2, 64):
        together = engine(model, tokenizer, batch_size).generate(PROMPTS, 2, decoding, 0)
        assert together == [[completion, completion] for completion in alone]
    backwards = engine(model, tokenizer, 2).generate(PROMPTS[::-1], 1, decoding, 0)
    assert backwards == [[completion] for completion in alone[::-1]]
    publishers = copy.deepcopy(tokenizer)
    publishers.padding_side = "right"
    assert engine(model, publishers, 64).generate(PROMPTS, 1, decoding, 0) == [[completion] for completion in alone]


def test_what_a_completion_tells(model, tokenizer):
    """`tokens` counts the end token, the text does not show it; a cut completion has not finished."""
    ids = greedy(model, *padded(tokenizer, PROMPTS[:1]), [tokenizer.pad_token_id], 8)[0]
    decoding = Decoding(0, 8)
    (cut,) = engine(model, tokenizer, template="r1_zero").generate(PROMPTS[:1], 1, decoding, 0)[0]
    assert cut == Completion(tokenizer.decode(ids, skip_special_tokens=True), 8, False, "r1_zero")
    stop = next(index for index, token in enumerate(ids) if token not in ids[:index] and index >= 2)
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, ids[stop]]
    (ended,) = engine(model, tokenizer).generate(PROMPTS[:1], 1, decoding, 0)[0]
    assert (ended.tokens, ended.finished) == (stop + 1, True)
    model.generation_config.eos_token_id = ids[stop]  # a single end
    assert engine(model, tokenizer).generate(PROMPTS[:1], 1, decoding, 0)[0] == [ended]


def test_answer_renders_the_prompts_of_rows(model, tokenizer):
    rows = [{"prompt": [{"role": "user", "content": text}]} for text in PROMPTS]
    for template in ("r1_zero", "chat"):
        one = engine(model, tokenizer, template=template)
        rendered = [render_prompt(tokenizer, row["prompt"], template) for row in rows]
        assert one.answer(rows, 2, Decoding(1.0, 6), 5) == one.generate(rendered, 2, Decoding(1.0, 6), 5)


def test_progress_and_no_prompts(model, tokenizer):
    told = []
    engine(model, tokenizer).generate(PROMPTS, 2, Decoding(0, 1), 0, progress=lambda *done: told.append(done))
    assert told == [(4, 10), (8, 10), (10, 10)]
    assert engine(model, tokenizer).generate([], 2, Decoding(0, 1), 0) == []


# -- log-probs


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_log_probs_are_the_models_own(model, tokenizer, temperature):
    input_ids, attention_mask = padded(tokenizer)
    torch.manual_seed(3)
    completions, logps = sample_completions(
        model, input_ids, attention_mask, NEW, temperature, 1.0, [tokenizer.eos_token_id]
    )
    for prompt, mask, ids, found in zip(input_ids, attention_mask, completions, logps, strict=True):
        assert len(found) == len(ids)
        text = torch.cat([prompt[mask.bool()], torch.tensor(ids)])[None]
        with torch.no_grad():
            scaled = (model(text).logits[0, -len(ids) - 1 : -1] / temperature).log_softmax(dim=-1)
        expected = scaled.gather(1, torch.tensor(ids)[:, None])[:, 0]
        assert torch.allclose(torch.tensor(found), expected, atol=1e-4)
