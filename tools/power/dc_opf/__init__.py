"""The cheapest dispatch of a transmission grid in the DC approximation, exact and certified."""
