"""Stages: one script each, in the room of its paper; what they stand on is in core.

Here:       base, r1, kimi_k15, qwen3 (the papers), evaluation, core; chat.py, a tool
Not here:   recipes and numbers (recipes/), text (data/)
Stands on:  data
Begin at:   r1/r1_zero.py
"""

import os

# For how many turns of a loop a thread of OpenMP that waits keeps its core: with libgomp's own 300,000 the threads of a
# stage beside a busy program wait for each other's most of the time. Read when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "3000")
# A bar for every small table and file would bury the stage's own. Read when the libraries are loaded.
os.environ |= {"HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
