"""Electric power: dispatch, flow and stability of transmission and distribution grids."""
