"""Planted faults: networks of a simulated trade with one known defect each, for measuring whether a trainer finds and mends it."""
