"""What stages of all papers stand on, from the roof down: training, rewards, sampling, machines, run, pipeline.

Here:       nothing but the rooms
Not here:   anything that one paper alone does
Stands on:  data
Begin at:   training/objectives.py
"""
