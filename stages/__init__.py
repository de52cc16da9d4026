"""Stages: one script each, in the room of its paper; what they stand on is in core.

Here:       base, r1, kimi_k15, qwen3 (the papers), evaluation, core; chat.py, a tool
Not here:   recipes and numbers (recipes/), text (data/)
Stands on:  data
Begin at:   r1/r1_zero.py
"""
