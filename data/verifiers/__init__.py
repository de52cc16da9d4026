"""Who judges an answer that may have any form: mathematics, choice, programs, instructions.

Here:       rules that say whether an answer is right; programs run against tests
Not here:   rewards (stages/core/rewards)
Stands on:  text, errors
Begin at:   free_form.py
"""
