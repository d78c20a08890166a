"""How many heads: models that differ in nothing else, trained, measured and compared."""
