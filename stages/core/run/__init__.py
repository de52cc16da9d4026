"""A stage's life: config, verified parents, metrics, resumption, payload and manifest.

Here:       stage.py, manifest.py, replacing.py, state.py, parts.py, processes.py; loads no torch when imported
Not here:   weights (machines), which stages there are (pipeline)
Stands on:  pipeline, data/errors.py
Begin at:   stage.py
"""
