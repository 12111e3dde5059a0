"""Tools for flow in porous rock and aquifers."""
