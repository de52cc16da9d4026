"""Kimi k1.5: a script a stage, in the order of the paper.

Here:       short SFT, prompt curation, long-CoT SFT, policy mirror descent, long2short four ways; settings.py
Not here:   what papers share (core)
Stands on:  evaluation, core, data
Begin at:   policy_mirror_descent.py
"""
