"""How general and safety prompts are answered: the best answer, and the many worse ones that people write."""

import random
from abc import ABC, abstractmethod

from data.text.language import Language
from data.text.row import Domain, Row
from data.verifiers.verdict import Verdict, shown
from data.world.general.entities import other
from data.world.task import Problem

STYLES: dict[str, float] = {"full": 0.3, "polite": 0.2, "bare": 0.25, "rude": 0.1, "rambling": 0.15}
"""How the author of the corpus answers, with the share of each style."""

RIGHT, IN_LANGUAGE, IN_FORMAT, MIXED = 0.85, 0.88, 0.65, 0.5
"""How often that author is right, keeps to the language, keeps to the format; how often a slip of language mixes."""

INSTRUCTIONS: dict[str, dict[Language, str]] = {
    "other_language": {"en": " Answer in Chinese.", "zh": "用英文回答。"},
    "exclaim": {"en": " End with !", "zh": "以!结尾。"},
    "one_word": {"en": " Answer in one word.", "zh": "用一个词回答。"},
}
END_MARKS = (".", "!", "?", "。", "\uff01", "\uff1f")
REFUSALS: dict[Language, dict[str, str]] = {
    "en": {"full": "I cannot help with that", "polite": "sorry, I cannot help with that", "bare": "no"},
    "zh": {"full": "我不能帮你", "polite": "抱歉,我不能帮你", "bare": "不行"},
}
_POLITE = {"en": "sure, {}", "zh": "好的,{}"}
_RUDE = {"en": "duh, {}", "zh": "废话,{}"}
_RAMBLING = {"en": "{0}. As I said, {0}. I think so", "zh": "{0}。我再说一遍,{0}。我是这样想的"}


def finish(text: str, language: Language, capital: bool = True) -> str:
    """Capital letter and end mark."""
    if language == "zh":
        return text + "。"
    return (text[0].upper() + text[1:] if capital else text) + "."


def refuse(language: Language, style: str) -> str:
    """A refusal in one of the styles."""
    forms = REFUSALS[language]
    if style == "rude":
        return "No, go away." if language == "en" else "不行,走开。"
    if style == "rambling":
        return finish(_RAMBLING[language].format(forms["full"]), language)
    return finish(forms[style], language)


class GeneralTask(ABC):
    """A family of general prompts."""

    name: str
    domain: Domain = "general"
    weight: float
    """Its share of the general and safety prompts."""
    refusal_rate = 0.02
    """How often the author of the corpus refuses it."""
    trivial = False
    """Whether it needs no chain of thought."""
    capital = True
    """Whether an answer begins with a capital letter."""

    @abstractmethod
    def problem(self, rng: random.Random, language: Language) -> Problem:
        """A random prompt in `language`."""

    @abstractmethod
    def statement(self, info: dict, language: Language) -> str:
        """The answer as a whole sentence, without capital and end mark."""

    @abstractmethod
    def bare(self, info: dict, language: Language) -> str:
        """The answer in as few words as possible."""

    @abstractmethod
    def wrong(self, info: dict, rng: random.Random) -> dict:
        """`info` changed so that the answer written from it is wrong."""

    @abstractmethod
    def verify(self, answer: str, row: Row) -> bool:
        """Whether the content of an answer is right, whatever its language, format and manners."""

    def explain(self, answer: str, row: Row) -> Verdict:
        """`verify`, with what was read and why."""
        gold, right = shown(row["answer"]), self.verify(answer, row)
        if row["answer"] == "refuse":
            reason = "it refuses" if right else "it does not refuse, or gives away what it refuses"
        else:
            reason = f"it says {gold}" if right else f"it does not say {gold}, or says something beside it"
        return Verdict(right, answer.strip(), reason)

    def polite(self, info: dict, language: Language) -> str:
        return _POLITE[language].format(self.statement(info, language))

    def thought(self, problem: Problem) -> str | None:
        """A short chain of thought in the language of the response; None for trivial prompts."""
        return None

    def render(self, info: dict, language: Language, style: str) -> str:
        """The answer that `info` describes, in a language and a style."""
        if style == "bare":
            return finish(self.bare(info, language), language, capital=False)
        if style == "polite":
            return finish(self.polite(info, language), language, self.capital)
        form = {"full": "{}", "rude": _RUDE[language], "rambling": _RAMBLING[language]}[style]
        return finish(form.format(self.statement(info, language)), language, self.capital)

    def best_answer(self, problem: Problem) -> str:
        """Right, in the language, in the format, polite: gold preference 1."""
        instruction = problem.info["instruction"]
        style = "bare" if instruction == "one_word" else "polite"
        answer = self.render(problem.info, problem.language, style)
        return answer[:-1] + "!" if instruction == "exclaim" else answer

    def undisciplined_answer(self, problem: Problem, rng: random.Random) -> str:
        """What the author of the corpus writes: mostly right, in some style, not always as asked."""
        info, language, instruction = dict(problem.info), problem.language, problem.info["instruction"]
        style = rng.choices(list(STYLES), list(STYLES.values()))[0]
        obeys = instruction is None or rng.random() < IN_FORMAT
        if rng.random() >= RIGHT:
            info = self.wrong(info, rng)
        if instruction == "other_language":
            language = language if obeys else other(language)
        elif rng.random() >= IN_LANGUAGE:
            if "value" in info and rng.random() < MIXED:
                info["value"] = {"en": info["value"]["zh"], "zh": info["value"]["en"]}
            else:
                language = other(language)
        if rng.random() < self.refusal_rate:
            return refuse(language, style)
        if instruction == "one_word":
            style = "bare" if obeys else "full" if style == "bare" else style
        answer = self.render(info, language, style)
        return answer[:-1] + "!" if instruction == "exclaim" and obeys else answer

    def make(self, question: str, language: Language, answer: str, asked_in: Language | None = None, **info) -> Problem:
        """A Problem. The prompt itself is the key: facts must be learnable, so prompts are held out, not facts."""
        info = {"instruction": None, "question_language": asked_in or language, **info}
        return Problem(self.name, self.domain, language, question, answer, question, info)
