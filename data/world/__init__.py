"""The tiny world: task families in two languages, the corpus that a base learns, its authors.

Here:       families, corpus, its author, its audit, tokenizer, preferences, worked solutions; cases that somebody
            brings to be judged
Not here:   data sets of others (public), rules for free-form answers (verifiers)
Stands on:  verifiers, text
Begin at:   families.py, then reasoning/search.py
"""
