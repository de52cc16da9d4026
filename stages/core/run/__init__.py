"""A stage's life: config, verified parents, metrics, resumption, payload and manifest.

Here:       a run and its state, manifests, how a result is replaced and whether it still holds, several processes;
            loads no torch when imported
Not here:   weights (machines), which stages there are (pipeline)
Stands on:  pipeline, data/errors.py
Begin at:   stage.py
"""
