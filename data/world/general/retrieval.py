"""Answers grounded in a passage: it says of somebody what the world does not, and the question is about the passage."""

from data.world.general.answers import finish
from data.world.general.entities import ENTITIES, VALUES, fact_sentence
from data.world.general.facts import Facts

SENTENCES = (2, 3)
_OPENING = {"en": "Read: {} ", "zh": "读:{}"}


class Passage(Facts):
    """A question on one of the sentences of a passage; the fact that the world has instead is a wrong answer.

    Each sentence is of another entity and another attribute. An answer is grounded if it says what the passage says:
    that value alone, of nobody else, as of any fact.
    """

    name = "passage"
    weight = 0.0

    def problem(self, rng, language):
        count = rng.choice(SENTENCES)
        entities, attributes = rng.sample(list(ENTITIES.values()), count), rng.sample(list(self.wordings), count)
        said = [
            (entity, attribute, rng.choice([value for value in VALUES[attribute] if value != entity.value(attribute)]))
            for entity, attribute in zip(entities, attributes, strict=True)
        ]
        entity, attribute, value = rng.choice(said)
        sentences = [finish(fact_sentence(*fact, language), language) for fact in said]
        passage = (" " if language == "en" else "").join(sentences)
        question = rng.choice(self.wordings[attribute][language]).format(entity.name[language])
        return self.make(
            _OPENING[language].format(passage) + question, language, value[language], language,
            kind="passage", entity=entity.name["en"], attribute=attribute, value=value,
        )  # fmt: skip

    def statement(self, info, language):
        """Without the name: which of several names in a passage is asked for, a model of this size cannot copy."""
        return f"it is {info['value']['en']}" if language == "en" else f"是{info['value']['zh']}"

    def thought(self, problem):
        value = problem.info["value"][problem.language]
        return f"The passage says: {value}." if problem.language == "en" else f"文中说:{value}。"

    def wrong(self, info, rng):
        """What the world says: right elsewhere, and not grounded in the passage."""
        return info | {"value": ENTITIES[info["entity"]].value(info["attribute"])}
