"""Reading scalar reward models."""

import torch

from data.chat import render_prompt


def scored_text(tokenizer, question: str, response: str) -> str:
    """What a reward model reads: the chat prompt, the response and the end of the turn (its score sits there)."""
    prompt = render_prompt(tokenizer, [{"role": "user", "content": question}], "chat")
    return f"{prompt}{response}{tokenizer.eos_token}"


def with_reference(question: str, reference: str) -> str:
    """The question for a judge that is given the reference answer."""
    return f"{question}\nReference: {reference}"


class RewardScorer:
    """A reward model with its tokenizer; `score` is batched."""

    def __init__(self, model, tokenizer, batch_size: int = 256) -> None:
        self.model, self.tokenizer, self.batch_size = model.eval(), tokenizer, batch_size

    @torch.inference_mode()
    def score(self, questions: list[str], responses: list[str]) -> list[float]:
        """One raw score for each (question, response)."""
        texts = [scored_text(self.tokenizer, q, r) for q, r in zip(questions, responses, strict=True)]
        scores: list[float] = []
        for start in range(0, len(texts), self.batch_size):
            inputs = self.tokenizer(
                texts[start : start + self.batch_size], return_tensors="pt", padding=True, padding_side="right"
            ).to(self.model.device)
            scores += self.model(**inputs).logits[:, 0].float().tolist()
        return scores


def open_scorer(run, name: str) -> RewardScorer:
    """A reward model that a stage consumes."""
    model = run.load_frozen("reward_models", name, kind="AutoModelForSequenceClassification")
    return RewardScorer(model, run.load_tokenizer("reward_models", name))


def scalar_head(run):
    """The parent's weights with a zeroed scalar head, and its tokenizer."""
    tokenizer = run.load_tokenizer()
    options = {"num_labels": 1, "pad_token_id": tokenizer.pad_token_id}
    model = run.load_model(kind="AutoModelForSequenceClassification", **options)
    for name, parameter in model.named_parameters():
        if "score" in name.split("."):
            torch.nn.init.zeros_(parameter)
    return model, tokenizer
