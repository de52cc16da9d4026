"""Recipe times scale: what is run with which settings, and what must be run again. Knows no paper, imports no torch.

Here:       files and their checks, seeds and arms, fingerprints, the list of recipes; the guards of a run's metrics
Not here:   what a stage does while it runs (run)
Stands on:  data/errors.py
Begin at:   workspace.py
"""
