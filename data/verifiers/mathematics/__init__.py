"""Mathematical answers as values: what a text says, and whether two texts say the same.

Here:       one notation (notation), plain numbers (quantity), formulas (formula, value), rows of text
            (environments), brackets, what an answer is made of (answer, shapes, real_sets), equality (equal)
Not here:   who asks, and for which row (data/verifiers/math_answers.py)
Stands on:  text
Begin at:   equal.py
"""
