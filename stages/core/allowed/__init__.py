"""What a recipe, a scale or a setting may say, and the sentence where it says something else. Imports no torch.

Here:       numbers, mixtures, YAML files, the folder of runs, the base class of settings
Not here:   the settings of each kind of stage, and what they have in common with each other (pipeline)
Stands on:  data
Begin at:   base.py, values.py
"""
