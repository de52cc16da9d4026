"""Public data sets: which there are, how their rows become ours, what is left out.

Here:       the table, one function a schema, loading, mixing, decontamination
Not here:   the made-up world (world)
Stands on:  verifiers, text
Begin at:   sources.py
"""
