"""Does learning help? The trainer against rivals and against itself without its parts, on planted faults and on real suites."""
