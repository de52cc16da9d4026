"""Families that are answered well or badly: facts, greetings, translation, passages, safety.

Here:       prompts, and how authors of each discipline answer them
Not here:   which answer is better (world/preference.py)
Stands on:  world/task.py, text
Begin at:   facts.py
"""
