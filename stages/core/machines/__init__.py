"""Weights on machines: loading and saving them, adapters, shards over GPUs.

Here:       all that depends on where a model lies
Not here:   what a model learns (training) or writes (sampling)
Stands on:  run, pipeline
Begin at:   weights.py
"""
