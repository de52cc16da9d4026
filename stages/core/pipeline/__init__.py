"""Recipe times scale: what is run with which settings, and with which code. Knows no paper, imports no torch.

Here:       files and their checks, seeds and arms, fingerprints, the list of recipes; the guards of a run's metrics
Not here:   what a stage does while it runs, which results still hold (run)
Stands on:  data/errors.py
Begin at:   workspace.py
"""
