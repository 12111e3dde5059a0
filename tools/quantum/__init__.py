"""Quantum machine learning, simulated exactly."""
