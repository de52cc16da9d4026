"""Everything about text and rows: what is asked, how it is written, who judges an answer.

Here:       text (forms), world (the made-up tasks), verifiers (who judges), public (data sets of others)
Not here:   models, sampling, training (stages)
Stands on:  nothing of stages
Begin at:   text/row.py, then world/reasoning/search.py
"""
