"""Tools for every trade."""
