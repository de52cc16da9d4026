"""Training: the objectives, written out, and the trainers that follow them.

Here:       objectives, GRPO, mirror descent, SFT, reward models, distillation, callbacks; held_out.py, which
            measures along a run; trl_seam.py, the door to TRL
Not here:   what a reward is (rewards), which prompts and settings (the stages)
Stands on:  rewards, sampling, machines, run, pipeline, data
Begin at:   objectives.py, then grpo.py
"""
