"""The judge apart from the judged: what a program makes of inputs, and whether that is what was expected.

A program runs in a sandbox that holds no expected value and decides nothing: it gets inputs and gives back plain data.
Here:       plain data as text (plain), what runs inside of a sandbox (runs_program, runs_tests), a program and its
            tests brought together (jobs), comparisons that no value can break (compare)
Not here:   the sandbox itself (sandbox), what a row says of its tests (verifiers/programs.py)
Stands on:  sandbox
Begin at:   jobs.py
"""
