"""The questions that GAME's published evaluators put, each with its known faults corrected."""
