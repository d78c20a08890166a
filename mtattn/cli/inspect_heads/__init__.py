"""`mtattn inspect-heads`: the command, and a file for each of its ways to look at heads."""

from mtattn.cli.inspect_heads.command import EXAMPLES, inspect_heads

__all__ = ["EXAMPLES", "inspect_heads"]
