"""Exact arithmetic with units."""
