"""Stages: one script each, in the room of its paper; what they stand on is in core.

Here:       base, r1, kimi_k15, qwen3 (the papers), evaluation, core; chat.py, a tool
Not here:   recipes and numbers (recipes/), text (data/)
Stands on:  data
Begin at:   r1/r1_zero.py
"""

import os

# How long a thread of OpenMP that waits keeps its core, in turns of a loop; by default it is for ever, and beside
# another busy process the threads of a stage wait for each other's. Read when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "3000")
