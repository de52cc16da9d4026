"""Where recipes start: a base model pretrained here, or a published one.

Here:       the scripts that a scale names for its bases; a tool that says what a corpus shows (audit.py)
Not here:   post-training
Stands on:  core, data
Begin at:   pretraining.py
"""
