"""General prompts: facts of the world (with format instructions), greetings, identity, translation, lists."""

from data.text.language import Language
from data.text.row import row_info
from data.world.general.answers import INSTRUCTIONS, GeneralTask
from data.world.general.entities import (
    ASSISTANT,
    ATTRIBUTES,
    COLOURS,
    DICTIONARY,
    ENTITIES,
    FOODS,
    VALUES,
    fact_sentence,
    mentioned,
    mentioned_names,
    mentions,
    other,
)


class Facts(GeneralTask):
    """Colour, food or badge number of an entity; three prompts in four carry an instruction that can be checked."""

    name = "facts"
    weight = 0.52
    wordings: dict[str, dict[Language, tuple[str, ...]]] = {
        "colour": {
            "en": ("What is the colour of {}?", "Which colour does {} have?"),
            "zh": ("{}的颜色是什么?", "{}是什么颜色?"),
        },
        "food": {
            "en": ("What is the food of {}?", "Which food does {} like?"),
            "zh": ("{}的食物是什么?", "{}喜欢什么食物?"),
        },
        "number": {
            "en": ("What is the badge number of {}?", "Which badge number does {} have?"),
            "zh": ("{}的工号是什么?", "{}的工号是几号?"),
        },
    }

    def problem(self, rng, language):
        entity, attribute = rng.choice(list(ENTITIES.values())), rng.choice(list(self.wordings))
        instruction = rng.choice([None, *INSTRUCTIONS])
        question = rng.choice(self.wordings[attribute][language]).format(entity.name[language])
        question += INSTRUCTIONS[instruction][language] if instruction else ""
        response = other(language) if instruction == "other_language" else language
        value = entity.value(attribute)
        return self.make(
            question, response, value[response], language,
            kind="fact", entity=entity.name["en"], attribute=attribute, value=value, instruction=instruction,
        )  # fmt: skip

    def statement(self, info, language):
        return fact_sentence(ENTITIES[info["entity"]], info["attribute"], info["value"], language)

    def bare(self, info, language):
        return info["value"][language]

    def wrong(self, info, rng):
        others = [value for value in VALUES[info["attribute"]] if value != info["value"]]
        return info | {"value": rng.choice(others)}

    def verify(self, answer, row):
        info = row_info(row)
        # Naming every value is no answer; nor is the fact of somebody else.
        others = [name for name in mentioned_names(answer) if name != info["entity"]]
        return not others and mentioned(answer, VALUES[info["attribute"]]) == [info["value"]["en"]]

    def thought(self, problem):
        info, language = problem.info, problem.language
        name, attribute = ENTITIES[info["entity"]].name[language], ATTRIBUTES[info["attribute"]][language]
        value = info["value"][language]
        return f"The {attribute} of {name}: {value}." if language == "en" else f"{name}的{attribute}:{value}。"


class Greeting(GeneralTask):
    """Somebody says hello, mostly with a name."""

    name = "greeting"
    weight = 0.08
    trivial = True
    named: dict[Language, tuple[str, ...]] = {
        "en": ("Hi, I am {}.", "Hello, my name is {}.", "{} is here, hello."),
        "zh": ("你好,我是{}。", "你好,我叫{}。", "{}来了,你好。"),
    }
    unnamed: dict[Language, tuple[tuple[str, ...], ...]] = {
        "en": (("Hi", "Hello", "Hey"), ("", " Tiny", " there", " you"), (".", "!")),
        "zh": (("你好", "早上好", "晚上好"), ("", ",小小", ",朋友", ",你"), ("。", "!")),
    }

    def problem(self, rng, language):
        if rng.random() < 0.75:
            entity = rng.choice(list(ENTITIES.values()))
            name = entity.name[language]
            return self.make(
                rng.choice(self.named[language]).format(name), language, name, kind="greeting", entity=entity.name["en"]
            )
        question = "".join(rng.choice(part) for part in self.unnamed[language])
        return self.make(question, language, "hello" if language == "en" else "你好", kind="greeting", entity=None)

    def statement(self, info, language):
        opening, name = self.bare(info, language), ASSISTANT[language]
        return f"{opening}, I am {name}" if language == "en" else f"{opening},我是{name}"

    def polite(self, info, language):
        return f"{self.bare(info, language)}" + (", nice to meet you" if language == "en" else ",很高兴见到你")

    def bare(self, info, language):
        entity = ENTITIES.get(info["entity"])
        if language == "en":
            return "hello" + (f" {entity.name['en']}" if entity else "")
        return "你好" + (f",{entity.name['zh']}" if entity else "")

    def wrong(self, info, rng):
        return info | {"entity": rng.choice([name for name in ENTITIES if name != info["entity"]])}

    def verify(self, answer, row):
        entity = row_info(row)["entity"]
        greets = mentioned(answer, [{"en": "hello", "zh": "你好"}, {"en": "hi", "zh": "您好"}])
        return bool(greets) and mentioned_names(answer) == ([entity] if entity else [])


class Identity(GeneralTask):
    """Who is answering."""

    name = "identity"
    weight = 0.03
    trivial = True
    wordings: dict[Language, tuple[tuple[str, ...], tuple[str, ...]]] = {
        "en": (("", "Hi. ", "Hello. ", "I am {}. "), ("Who are you?", "What is your name?", "Tell me who you are.")),
        "zh": (("", "你好。", "早上好。", "我是{}。"), ("你是谁?", "你叫什么?", "告诉我你是谁。")),
    }

    def problem(self, rng, language):
        opening, question = (rng.choice(part) for part in self.wordings[language])
        name = rng.choice(list(ENTITIES.values())).name[language]
        return self.make(
            opening.format(name) + question, language, ASSISTANT[language], kind="identity", name=ASSISTANT
        )

    def statement(self, info, language):
        name = info["name"][language]
        return f"I am {name}, a small assistant" if language == "en" else f"我是{name},一个小助手"

    def bare(self, info, language):
        return info["name"][language]

    def wrong(self, info, rng):
        return info | {"name": rng.choice(list(ENTITIES.values())).name}

    def verify(self, answer, row):
        return bool(mentioned(answer, [ASSISTANT])) and not mentioned_names(answer)


class Translation(GeneralTask):
    """A word into the other language, or out of it. The response is wholly in the language of the translated word."""

    name = "translation"
    weight = 0.10
    into: dict[Language, tuple[str, ...]] = {
        "en": ("Translate {} into Chinese.", "Say {} in Chinese."),
        "zh": ("把{}译成英文。", "用英文说{}。"),
    }
    out_of: dict[Language, tuple[str, ...]] = {
        "en": ("What does {} mean?", "Say {} in English."),
        "zh": ("{}是什么意思?", "用中文说{}。"),
    }

    def problem(self, rng, language):
        word, outward = rng.choice(DICTIONARY), rng.random() < 0.5
        target = other(language) if outward else language
        wording = rng.choice((self.into if outward else self.out_of)[language])
        # The translated word stays the same in an answer of the wrong language.
        value = {"en": word[target], "zh": word[target]}
        question = wording.format(word[other(target)])
        return self.make(question, target, word[target], language, kind="translation", target=target, value=value)

    def statement(self, info, language):
        return ("it is " if language == "en" else "是") + info["value"][language]

    def bare(self, info, language):
        return info["value"][language]

    def wrong(self, info, rng):
        word = rng.choice([word for word in DICTIONARY if info["value"]["en"] != word[info["target"]]])
        return info | {"value": dict.fromkeys(("en", "zh"), word[info["target"]])}

    def verify(self, answer, row):
        info = row_info(row)
        found = [word[info["target"]] for word in DICTIONARY if mentions(answer, word[info["target"]])]
        return found == [info["value"]["en"]]

    def thought(self, problem):
        value = problem.answer
        return f"The English word is {value}." if problem.language == "en" else f"中文词是{value}。"


class ListTwo(GeneralTask):
    """Any two foods or colours, mostly with one excluded."""

    name = "list_two"
    weight = 0.03
    categories = {"foods": FOODS, "colours": COLOURS}
    category_names = {"foods": {"en": "foods", "zh": "食物"}, "colours": {"en": "colours", "zh": "颜色"}}
    wordings: dict[Language, tuple[str, ...]] = {
        "en": ("List two {}{}.", "Name two {}{}.", "Give me two {}{}."),
        "zh": ("列出两种{}{}。", "说两种{}{}。", "给我两种{}{}。"),
    }
    exclusions: dict[Language, str] = {"en": ", not {}", "zh": ",不要{}"}

    def problem(self, rng, language):
        category = rng.choice(list(self.categories))
        words = self.categories[category]
        index = rng.randrange(len(words)) if rng.random() < 0.9 else None
        without = "" if index is None else self.exclusions[language].format(words[index][language])
        question = rng.choice(self.wordings[language]).format(self.category_names[category][language], without)
        start = 0 if index is None else index + 1
        chosen = [words[(start + step) % len(words)] for step in range(2)]
        excluded = None if index is None else words[index]["en"]
        answer = ", ".join(word[language] for word in chosen)
        return self.make(question, language, answer, kind="list", category=category, excluded=excluded, chosen=chosen)

    def statement(self, info, language):
        first, second = (word[language] for word in info["chosen"])
        category = self.category_names[info["category"]][language]
        return f"two {category} are {first} and {second}" if language == "en" else f"两种{category}是{first}和{second}"

    def bare(self, info, language):
        return ", ".join(word[language] for word in info["chosen"]).replace(", ", "," if language == "zh" else ", ")

    def wrong(self, info, rng):
        words = self.categories[info["category"]]
        another = self.categories["colours" if info["category"] == "foods" else "foods"]
        excluded = [word for word in words if word["en"] == info["excluded"]]
        return info | {"chosen": [info["chosen"][0], (excluded or [rng.choice(another)])[0]]}

    def verify(self, answer, row):
        info = row_info(row)
        found = mentioned(answer, DICTIONARY)
        allowed = {word["en"] for word in self.categories[info["category"]]} - {info["excluded"]}
        return len(found) == 2 and set(found) <= allowed

    def thought(self, problem):
        info, language = problem.info, problem.language
        first, second = (word[language] for word in info["chosen"])
        return f"Two to name: {first}, {second}." if language == "en" else f"要说两种:{first},{second}。"


GENERAL_TASKS: list[GeneralTask] = [Facts(), Greeting(), Identity(), Translation(), ListTwo()]
