"""How long the property tests go on: a minute with the others, or as long as one likes by hand.

``make fuzz EXAMPLES=1000000`` runs them with the profile below.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Verbosity, settings

settings.register_profile(
    "fuzz",
    max_examples=int(os.environ.get("INDELIBLE_FUZZ_EXAMPLES", "100000")),
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    verbosity=Verbosity.normal,
)
