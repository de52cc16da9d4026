"""How a conversation becomes text and how a completion is read back: the chat template, the parser, the tags.

The template renders what Qwen3's own does: an assistant turn after the last user turn carries its thinking, earlier
ones lose theirs, and `enable_thinking=False` pre-fills an empty think block; results of tools come back as a user turn,
which is no query.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from data.text.prompts import R1_ZERO_TEMPLATE
from data.text.row import Message

Template = Literal["r1_zero", "chat"]

CHAT_TEMPLATE = """\
{%- set last = namespace(user=messages | length - 1) -%}
{%- for message in messages -%}
  {%- set content = message.content if message.content is string else '' -%}
  {%- set result = content.startswith('<tool_response>') and content.endswith('</tool_response>') -%}
  {%- if message.role == 'user' and message.content is string and not result -%}
    {%- set last.user = loop.index0 -%}
  {%- endif -%}
{%- endfor -%}
{%- if tools -%}
  {{- '<|im_start|>system\\n' -}}
  {%- if messages and messages[0].role == 'system' -%}{{- messages[0].content + '\\n\\n' -}}{%- endif -%}
  {{- '# Tools\\n\\nYou may call one or more functions to assist with the user query.\\n\\n' -}}
  {{- 'You are provided with function signatures within <tools></tools> XML tags:\\n<tools>' -}}
  {%- for tool in tools -%}{{- '\\n' + tool | tojson -}}{%- endfor -%}
  {{- '\\n</tools>\\n\\nFor each function call, return a json object with function name and arguments ' -}}
  {{- 'within <tool_call></tool_call> XML tags:\\n<tool_call>\\n' -}}
  {{- '{"name": <function-name>, "arguments": <args-json-object>}\\n</tool_call><|im_end|>\\n' -}}
{%- endif -%}
{%- for message in messages -%}
  {%- set content = message.content if message.content is string else '' -%}
  {%- if message.role == 'assistant' -%}
    {%- set thinking = message.reasoning_content if message.reasoning_content is string else '' -%}
    {%- if message.reasoning_content is not string and '</think>' in content -%}
      {%- set thinking = content.split('</think>')[0].split('<think>')[-1].strip('\\n') -%}
      {%- set content = content.split('</think>')[-1].lstrip('\\n') -%}
    {%- endif -%}
    {{- '<|im_start|>assistant\\n' -}}
    {%- if loop.index0 > last.user and (loop.last or thinking) -%}
      {{- '<think>\\n' + thinking.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') -}}
    {%- else -%}
      {{- content -}}
    {%- endif -%}
    {%- for call in message.tool_calls or [] -%}
      {{- '\\n' if content or not loop.first else '' -}}
      {%- set call = call.function or call -%}
      {%- set arguments = call.arguments if call.arguments is string else call.arguments | tojson -%}
      {{- '<tool_call>\\n{"name": "' + call.name + '", "arguments": ' + arguments + '}\\n</tool_call>' -}}
    {%- endfor -%}
    {{- '<|im_end|>\\n' -}}
  {%- elif message.role == 'tool' -%}
    {%- if loop.first or messages[loop.index0 - 1].role != 'tool' -%}{{- '<|im_start|>user' -}}{%- endif -%}
    {{- '\\n<tool_response>\\n' + content + '\\n</tool_response>' -}}
    {%- if loop.last or messages[loop.index0 + 1].role != 'tool' -%}{{- '<|im_end|>\\n' -}}{%- endif -%}
  {%- elif message.role == 'user' or (message.role == 'system' and not (tools and loop.first)) -%}
    {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' -}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- '<|im_start|>assistant\\n' -}}
  {%- if enable_thinking is defined and enable_thinking is false -%}
    {{- '<think>\\n\\n</think>\\n\\n' -}}
  {%- endif -%}
{%- endif -%}"""

THINK_OPEN, THINK_CLOSE = "<think>", "</think>"
ANSWER_OPEN, ANSWER_CLOSE = "<answer>", "</answer>"
_ENDS = ("<|im_end|>", "<|endoftext|>")
_STOPS = " .\u3002,!\uff01\uff0c"

# A completion may be half a megabyte of anything: space is matched at once (*+), never shared out between two parts.
_TAG = re.compile(r"</?(?:think|answer)>")
_STATED = re.compile(
    r"(?:answer[*_]*+\s*+(?:is(?:\s*+:)?|:|=)|答案\s*+(?:[是为](?:\s*+[:\uff1a])?|[:\uff1a]))\s*+(?=\S)", re.IGNORECASE
)
_BRACE = re.compile(r"[{}]")


@dataclass(frozen=True)
class Parsed:
    """A completion taken apart.

    thinking: the text of the think block; None where there is no closed block.
    answer: what the user sees (the summary); empty where the thinking was never closed.
    final: the final answer inside `answer`, bare; None where there is none.
    marked: whether a box or an answer tag says that it is the final answer.
    """

    thinking: str | None
    answer: str
    final: str | None
    marked: bool = field(default=False, compare=False)


def render_prompt(tokenizer, messages: list[Message], template: Template, enable_thinking: bool = True) -> str:
    """The text that the model continues: the R1-Zero template or the chat template with its generation prompt."""
    if template == "r1_zero":
        return R1_ZERO_TEMPLATE.format(prompt=messages[-1]["content"])
    return tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True, enable_thinking=enable_thinking
    )


def render_completion(thinking: str, answer: str) -> str:
    """What an assistant writes after the generation prompt, without the end token; thinking may be empty."""
    return f"<think>\n{thinking}\n</think>\n\n{answer}"


@lru_cache(maxsize=4_096)
def parse(text: str) -> Parsed:
    """Read a completion of either template."""
    text = without_end(text)
    thinking, answer = None, text
    if THINK_CLOSE in text:
        head, answer = text.split(THINK_CLOSE, 1)
        thinking = head.split(THINK_OPEN, 1)[-1].strip()
    elif THINK_OPEN in text:
        answer = ""
    answer = answer.strip()
    return Parsed(thinking, _TAG.sub("", answer).strip(), *_final(answer))


def without_end(text: str) -> str:
    """A completion up to its end token, as decoding without special tokens leaves it."""
    for end in _ENDS:
        text = text.split(end)[0]
    return text


def has_format(text: str, template: Template, needs_thinking: bool = True) -> bool:
    """Whether the thinking sits between its tags, once, and an answer follows (v2 s.2.2).

    needs_thinking: False allows the empty block that a trivial prompt gets.
    """
    thinking, answer = block(text, THINK_OPEN, THINK_CLOSE) or ("", "")
    behind = ""
    if template == "r1_zero":
        answer, behind = block(answer, ANSWER_OPEN, ANSWER_CLOSE) or ("", "")
    if behind.strip() or _TAG.search(thinking) or _TAG.search(answer):
        return False
    return bool(answer.strip()) and (bool(thinking.strip()) or not needs_thinking)


def block(text: str, opening: str, closing: str) -> tuple[str, str] | None:
    """What stands between two tags, the first of which begins the text, and what is behind them; None for any other."""
    before, opened, rest = text.partition(opening)
    inside, closed, behind = rest.partition(closing)
    return (inside, behind) if opened and closed and not before.strip() else None


def boxed(text: str) -> str | None:
    r"""The content of the last `\boxed{...}` in `text`, with balanced braces; None where there is none."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth, begin = 0, start + len("\\boxed{")
    for brace in _BRACE.finditer(text, begin - 1):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return text[begin : brace.start()].strip()
    return None


def _final(answer: str) -> tuple[str | None, bool]:
    """The bare final answer and whether it is marked: the last box (in the last answer tag), else what is stated there,
    else the last line.
    """
    marked = ANSWER_OPEN in answer
    if marked:
        answer = answer.rsplit(ANSWER_OPEN, 1)[1]
    answer = answer.split(ANSWER_CLOSE)[0].strip()
    inside = boxed(answer)
    if inside is not None:
        return inside or None, True
    stated = [match.end() for match in _STATED.finditer(answer)]
    lines = [line for line in answer[stated[-1] if stated else 0 :].splitlines() if line.strip()]
    final = _TAG.sub("", lines[0 if stated else -1]) if lines else ""
    return final.strip(_STOPS) and final.lstrip(" ,\uff0c").rstrip(_STOPS) or None, marked  # .5 keeps its point
