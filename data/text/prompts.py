"""The prompts. Constants only."""

R1_ZERO_INSTRUCTION = (
    "A conversation between User and Assistant. The user asks a question, and the Assistant solves it. "
    "The assistant first thinks about the reasoning process in the mind and then provides the user with the answer. "
    "The reasoning process and answer are enclosed within <think> </think> and <answer> </answer> tags, respectively, "
    "i.e., <think> reasoning process here </think> <answer> answer here </answer>."
)
"""DeepSeek-R1 v2 Table 1, up to the question."""

R1_ZERO_TEMPLATE = R1_ZERO_INSTRUCTION + " User: {prompt}. Assistant:"
"""DeepSeek-R1 v2 Table 1. A single string, no chat template; the think tag is not pre-filled."""

BOX_INSTRUCTION = "Put your final answer within \\boxed{}."
"""The required format of a mathematical answer (DeepSeek-R1 v2 s.2.2); it says nothing about strategy."""

EVALUATION_INSTRUCTION = "Please reason step by step, and put your final answer within \\boxed{}."
"""What mathematical questions of an evaluation end with (usage recommendations of DeepSeek-R1's README)."""

EARLY_STOP = "Considering the limited time by the user, I have to give the solution based on the thinking directly now."
"""What closes a cut thought (Qwen3 s.4.3)."""
PAPERS_CLOSING = f"\n\n{EARLY_STOP}"
"""The same with what parts it from the thought."""
