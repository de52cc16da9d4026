"""Families whose answers are right or wrong.

Here:       arithmetic, equations, search, code, multiple choice, logic, puzzles; what nothing is trained on
Not here:   general prompts (general)
Stands on:  world/task.py, verifiers, text
Begin at:   search.py
"""
