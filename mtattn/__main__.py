"""`python -m mtattn`."""

from mtattn.cli import main

main()
