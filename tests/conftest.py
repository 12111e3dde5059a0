"""What holds for all tests: side by side, each has one thread, and drawing examples may take its time on a busy machine."""

import os

from hypothesis import HealthCheck, settings

if (
    "PYTEST_XDIST_WORKER" in os.environ
):  # before the first test imports torch: threads that outnumber the cores wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
