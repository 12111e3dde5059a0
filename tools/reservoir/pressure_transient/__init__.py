"""Simulate or interpret a well test or pumping test with physics-informed networks."""
