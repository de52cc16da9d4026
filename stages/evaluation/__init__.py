"""Evaluation: every checkpoint on the same questions, and the page that shows it.

Here:       questions, benchmarks, estimators, rows of results, tables, figures, the papers' numbers
Not here:   training, and what a paper does
Stands on:  core, data
Begin at:   evaluate.py, then estimators.py
"""
