"""What the heads do: weights with labels (`record`), taken from a model (`capture`), shown (`views`)."""
