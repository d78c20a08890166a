"""Bad inputs and what is to come of each, in tables."""
