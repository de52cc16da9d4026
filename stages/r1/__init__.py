"""DeepSeek-R1: a script a stage, in the order of the paper.

Here:       R1-Zero, cold start, two RL stages, rejection sampling, reward models, distillation; settings.py
Not here:   what papers share (core)
Stands on:  evaluation, core, data
Begin at:   r1_zero.py, then cold_start_data.py, cold_start_sft.py, reasoning_rl.py, rejection_sampling.py,
            general_rl.py
"""
