"""Qwen3: a script a stage, in the order of the paper.

Here:       cold start, reasoning RL, thinking-mode fusion, general RL, strong-to-weak distillation; settings.py
Not here:   what papers share (core)
Stands on:  evaluation, core, data
Begin at:   reasoning_rl.py, then fusion_data.py
"""
