"""A stage's life: config, verified parents, metrics, resumption, payload and manifest.

Here:       stage.py, manifest.py, progress.py, processes.py, last_good.py; loads no torch when it is imported
Not here:   weights (machines), which stages there are (pipeline)
Stands on:  pipeline, data/errors.py
Begin at:   stage.py
"""
