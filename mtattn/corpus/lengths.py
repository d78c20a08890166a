"""Batches of sentences of like length."""

from collections.abc import Iterator, Sequence


def batches_by_length(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Group sentences for translation, the longest first, each once.

    Args:
        lengths: tokens of each sentence.
        batch_tokens: positions of a batch at most, padding included; a longer sentence comes alone.

    Yields:
        The indices of each batch's sentences.
    """
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch
