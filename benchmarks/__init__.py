"""Measurements, one script each; what it measures and prints stands at its head. `make bench` runs them."""

import stages  # noqa: F401  how the threads of torch wait, as in a stage: before anything loads torch
