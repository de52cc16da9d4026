"""One sandbox for every piece of code that we did not write.

Here:       a session with a job: a trusted driver in a process of its own, shut in by bubblewrap; what a machine lacks
Not here:   what a driver does, and who judges its replies (verifiers)
Stands on:  errors
Begin at:   session.py, then inside.py
"""
