"""Train a small Transformer translator and see what its attention heads attend to."""

__version__ = "0.1.1"
