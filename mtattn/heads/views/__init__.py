"""Ways to show a head record; they know the record alone."""
