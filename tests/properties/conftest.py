"""How hypothesis searches: the same examples in every plain run, other and more ones to explore."""

import os

from hypothesis import HealthCheck, settings

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "repeatable", derandomize=True, database=None, deadline=None, max_examples=150, suppress_health_check=SLOW
)
settings.register_profile(
    "explore", deadline=None, max_examples=1500, print_blob=True, suppress_health_check=SLOW
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
