"""Rewards: a completion and its row in, a number out; None where the reward does not apply.

Here:       rules, the length reward over a group, reward models that are asked, the self-test, all of one stage
Not here:   whether an answer is right (data/verifiers), how a reward becomes an advantage (training/objectives.py)
Stands on:  sampling, machines, run, pipeline, data
Begin at:   rules.py
"""
