"""Planted faults: networks of a simulated trade with one known defect each, to see whether a trainer finds and mends it."""
