"""Text and the nouns: rows, completions, chat form, modes, languages, n-grams, summaries.

Here:       what any text is made of, whatever it is about
Not here:   tasks and their answers (world), who is right (verifiers)
Stands on:  errors
Begin at:   row.py
"""
