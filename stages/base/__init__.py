"""Where recipes start: a base model pretrained here, or a published one.

Here:       the scripts that a scale names for its bases
Not here:   post-training
Stands on:  core, data
Begin at:   pretraining.py
"""
