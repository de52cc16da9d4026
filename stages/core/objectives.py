"""Pure pieces of objectives that TRL does not have."""

import math


def clipped_z_score(score: float, mean: float, deviation: float, clip: float) -> float:
    """(score - mean) / deviation, kept within +-clip; 0 where the deviation is 0."""
    return 0.0 if deviation == 0 else max(-clip, min(clip, (score - mean) / deviation))


def sigmoid(score: float) -> float:
    """1 / (1 + e^-score), without overflow for large negative scores."""
    return 1 / (1 + math.exp(-score)) if score >= 0 else math.exp(score) / (1 + math.exp(score))
