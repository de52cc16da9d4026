"""Sampling: which prompts are asked, what a model writes, which of it is kept.

Here:       engines, thinking budget, candidates, filters, prompt choice, partial rollouts
Not here:   what becomes of the kept (training)
Stands on:  machines, run, pipeline, data
Begin at:   engine.py
"""
