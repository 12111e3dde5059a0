"""How fast the parts are, each beside what one would use instead, in the same run."""
