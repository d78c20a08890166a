"""Which words of a sentence pair translate each other: `links`, and what finds them in the pairs alone (`aligner`)."""
