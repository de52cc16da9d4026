"""What vLLM is told, and what it is not asked again; `tests/with_vllm` has the real one."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from stages.core.run.parts import Parts
from stages.core.sampling.engine import Decoding
from stages.core.sampling.vllm_engine import VLLMEngine

PROMPTS = ["one", "two", "three", "four", "five"]


class FakeLLM:
    """Finishes one request a step; a sample is the request's seed plus its number, and the end."""

    def __init__(self):
        self.asked = []
        self.waiting = []
        self.model_config = SimpleNamespace(max_model_len=64)

    def add_request(self, name, prompt, params):
        self.asked.append(params)
        self.waiting.append((name, params))

    def has_unfinished_requests(self):
        return bool(self.waiting)

    def step(self):
        name, params = self.waiting.pop(0)
        samples = [SimpleNamespace(index=i, token_ids=[(params["seed"] or 0) + i, 0]) for i in range(params["n"])]
        return [SimpleNamespace(finished=True, request_id=name, outputs=samples[::-1])]


@pytest.fixture
def made(monkeypatch):
    """made(parts) -> (an engine, its fake): on a GPU, where each request has a seed of its own."""
    package, params = ModuleType("vllm"), ModuleType("vllm.sampling_params")
    package.SamplingParams = lambda **given: given
    params.RequestOutputKind = SimpleNamespace(FINAL_ONLY=None)
    monkeypatch.setitem(sys.modules, "vllm", package)
    monkeypatch.setitem(sys.modules, "vllm.sampling_params", params)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr(VLLMEngine, "end_ids", property(lambda self: [0]))

    class Tokenizer:
        def __call__(self, prompts):
            return {"input_ids": [[1, 2]] * len(prompts)}

        def decode(self, ids, **options):
            return str(ids)

    def make(parts: Parts | None = None):
        engine = VLLMEngine.__new__(VLLMEngine)
        engine.tokenizer, engine.template, engine.batch_size = Tokenizer(), "chat", 4
        fake = FakeLLM()
        engine._llm = SimpleNamespace(llm_engine=fake)
        engine.parts = parts or Parts()
        return engine, fake

    return make


def test_vllm_is_told_the_same(made):
    """Its definitions are those of `Decoding`: tests/with_vllm compares what is drawn."""
    one, fake = made()
    one.generate(["x"], 1, Decoding(0.7, 8, 0.8, 20, 1.5), 0)
    one.generate(["x"], 1, Decoding(0.7, 8), 0)
    told = [(given["top_p"], given["top_k"], given["presence_penalty"]) for given in fake.asked]
    assert told == [(0.8, 20, 1.5), (1.0, 0, 0.0)]


def test_finished_prompts_are_not_asked_again_and_the_others_keep_their_seeds(made, tmp_path):
    asked = (PROMPTS, 2, Decoding(1.0, 8), 3)
    whole, fake = made()
    expected = whole.generate(*asked)
    seeds = [given["seed"] for given in fake.asked]
    assert len({completion.text for group in expected for completion in group}) == 10

    def killed(done, total):
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(Parts(tmp_path))[0].generate(*asked, progress=killed)
    again, fake = made(Parts(tmp_path))
    told = []
    assert again.generate(*asked, progress=lambda *done: told.append(done)) == expected
    assert [given["seed"] for given in fake.asked] == seeds[2:] and told == [(8, 10), (10, 10)]
    third, fake = made(Parts(tmp_path))
    third._load = pytest.fail  # no model is loaded for what is finished
    assert third.generate(*asked) == expected and not fake.asked


def test_where_requests_have_no_seeds_nothing_is_kept(made, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    made(Parts(tmp_path))[0].generate(PROMPTS, 1, Decoding(1.0, 8), 3)
    assert not list(tmp_path.rglob("*.json"))
