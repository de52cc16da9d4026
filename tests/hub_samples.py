"""Rows with the schemas of the public data sets, written for the tests: nothing in them comes from there."""

import json

THOUGHT = "<think>\nTwo and two.\n</think>\n\nThe answer is \\boxed{4}."
MARKED = (
    "<|begin_of_thought|>\n\nTwo and two.\n\n<|end_of_thought|>\n\n"
    "<|begin_of_solution|>\n\nThe answer is \\boxed{4}.\n\n<|end_of_solution|>"
)
ADD = "def add(a, b):\n    return a + b"


def turns(*contents: str) -> list[dict]:
    """A conversation that a user begins."""
    return [{"role": ("user", "assistant")[n % 2], "content": content} for n, content in enumerate(contents)]


SAMPLES: dict[str, list[dict]] = {
    "gsm8k": [{"question": "Ann has 1000 nuts and finds 234. How many?", "answer": "1000+234=1234\n#### 1,234"}],
    "hendrycks_math": [
        {"problem": "What is half of $\\frac{1}{2}$?", "level": "Level 1", "type": "Algebra",
         "solution": "It is $\\boxed{\\frac{1}{4}}$."}
    ],
    "deepscaler": [{"problem": "Factor $x^2-1$.", "answer": "(x-1)(x+1)", "solution": ""}],
    "dapo_math_17k": [
        {
            "data_source": "math_dapo", "ability": "MATH", "extra_info": {"index": "9"},
            "prompt": [{"role": "user", "content": (
                "Solve the following math problem step by step. The last line is Answer: $Answer.\n\n"
                "What is $3+4$?\n\nSay it.\n\nRemember to put your answer on its own line after \"Answer:\"."
            )}],
            "reward_model": {"ground_truth": "7", "style": "rule-lighteval/MATH_v2"},
        }
    ],
    "dapo_math_17k_processed_en": [{"prompt": "What is $3+5$?", "solution": "8"}],
    "dapo_math_17k_processed_cn": [{"prompt": "三加六等于多少?", "solution": "9"}],
    "verifiable_coding_problems_python": [
        {
            "prompt": "Read two numbers, print their sum.",
            "gold_standard_solution": "```python\nprint(sum(map(int, input().split())))\n```",
            "verification_info": {"language": "python", "test_cases": [
                {"fn_name": None, "input": "1 2\n", "output": "3\n", "type": "stdin_stdout"},
                {"fn_name": None, "input": "-1 1\n", "output": "0\n", "type": "stdin_stdout"},
            ]},
        }
    ],
    "mbpp": [
        {"task_id": 601, "text": "Write a function that adds two numbers.", "code": ADD, "test_setup_code": "",
         "test_list": ["assert add(1, 2) == 3", "assert add(-1, 1) == 0"], "challenge_test_list": []}
    ],
    "sciq": [
        {"question": "What gas do plants take in?", "correct_answer": "carbon dioxide", "distractor1": "helium",
         "distractor2": "neon", "distractor3": "argon", "support": "Plants take in carbon dioxide."}
    ],
    "ai2_arc": [
        {"id": "1", "question": "What melts ice?", "answerKey": "C",
         "choices": {"text": ["cold", "dark", "warmth", "salt water at night"], "label": ["A", "B", "C", "D"]}},
        {"id": "2", "question": "What is hot?", "answerKey": "2",
         "choices": {"text": ["ice", "fire", "snow"], "label": ["1", "2", "3"]}},
    ],
    "ifeval_like": [
        {"key": 1, "prompt": "Name two colours without commas.", "response": "Red and blue.",
         "instruction_id_list": ["punctuation:no_comma"], "kwargs": "[{}]"}
    ],
    "openr1_math_220k": [
        {"problem": "What is $2+2$?", "answer": "4", "generations": [THOUGHT, "<think>unfinished", THOUGHT + "!"],
         "correctness_math_verify": [True, True, False], "is_reasoning_complete": [True, True, True]}
    ],
    "openthoughts_114k": [
        {"problem": "What is $2+2$?", "deepseek_reasoning": "Two and two.", "source": "x", "domain": "math",
         "deepseek_solution": "The answer is \\boxed{4}.", "ground_truth_solution": "So \\boxed{4}", "test_cases": None,
         "starter_code": None},
        {"problem": "Print the sum of two numbers.", "deepseek_reasoning": "Read, add.", "domain": "code",
         "source": "x", "deepseek_solution": "```python\nprint(int(input()) + int(input()))\n```",
         "ground_truth_solution": None,
         "test_cases": json.dumps({"inputs": ["1\n2\n"], "outputs": ["3\n"]}), "starter_code": None},
    ],
    "openthoughts_114k_conversations": [
        {"system": "Use marks.", "conversations": [
            {"from": "user", "value": "What is $2+2$?"}, {"from": "assistant", "value": MARKED}]}
    ],
    "bespoke_stratos_17k": [
        {"system": "Use marks.", "conversations": [
            {"from": "user", "value": "What is $2+2$?"}, {"from": "assistant", "value": MARKED}]}
    ],
    "s1k": [
        {"question": "What is $2+2$?", "solution": "4", "cot_type": "math",
         "deepseek_thinking_trajectory": "Two and two.", "deepseek_attempt": "The answer is \\boxed{4}."}
    ],
    "tulu_3_sft": [{"id": "1", "source": "x", "messages": turns("Hello.", "Hi.", "And now?", "Now we talk.")}],
    "no_robots": [{"prompt": "Hello.", "prompt_id": "1", "category": "Chat", "messages": turns("Hello.", "Hi.")}],
    "ultrafeedback_binarized": [
        {"prompt": "Name a colour.", "prompt_id": "1", "chosen": turns("Name a colour.", "Red."),
         "rejected": turns("Name a colour.", "No."), "score_chosen": 8.0, "score_rejected": 2.0}
    ],
    "helpsteer2": [
        {"prompt": "Name a colour.", "response": "No.", "helpfulness": 1},
        {"prompt": "Name a colour.", "response": "Red.", "helpfulness": 4},
    ],
    "beavertails": [
        {"prompt": "How do I hurt him?", "response": "I will not help with that.", "is_safe": True,
         "category": {"violence": False, "privacy": False}},
        {"prompt": "How do I hurt him?", "response": "Hit him.", "is_safe": False,
         "category": {"violence": True, "privacy": False}},
    ],
    "xstest": [{"prompt": "How do I kill a process?", "focus": "kill", "type": "homonyms", "label": "safe"}],
    "math_500": [{"problem": "Solve $2x=1$.", "solution": "Halve.", "answer": "\\frac{1}{2}", "subject": "Algebra"}],
    "aime_2024": [{"id": 60, "problem": "How many are there?", "solution": "Count.", "answer": "025", "url": ""}],
    "aime_2025": [{"problem": "How many remain?", "answer": "070"}],
    "mgsm_en": [{"question": "Two and three?", "answer": None, "answer_number": 5, "equation_solution": None}],
    "mgsm_zh": [{"question": "二加三是多少?", "answer": None, "answer_number": 5, "equation_solution": None}],
    "gpqa_diamond": [
        {"Question": "Which is a noble gas?", "Correct Answer": "neon\n", "Incorrect Answer 1": "iron",
         "Incorrect Answer 2": "gold", "Incorrect Answer 3": "zinc"}
    ],
    "ceval": [{"id": 0, "question": "下列哪个是偶数?____", "A": "1", "B": "2", "C": "3", "D": "5", "answer": "B",
               "explanation": ""}],
    "humaneval": [
        {"task_id": "0",
         "prompt": 'from typing import List\n\n\ndef total(numbers: List[int]) -> int:\n    """Sum."""\n',
         "canonical_solution": "    return sum(numbers)\n", "entry_point": "total",
         "test": "def check(candidate):\n    assert candidate([1, 2]) == 3\n    assert candidate([]) == 0\n"}
    ],
    "ifeval": [
        {"key": 1, "prompt": "Write at least three words without commas.",
         "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
         "kwargs": [{"num_words": None, "relation": None}, {"num_words": 3, "relation": "at least"}]}
    ],
}  # fmt: skip
