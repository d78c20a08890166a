"""How good a training's model is on the dev pairs, as it stands."""

import math
from collections.abc import Iterator

import numpy as np
import torch

from mtattn.corpus.batches import batches_of_epoch
from mtattn.corpus.pairs import evenly
from mtattn.decoding.search import TorchSearch
from mtattn.decoding.translator import Translator
from mtattn.evaluation import Scores, evaluate
from mtattn.tokenizer import PAD
from mtattn.training.bad_steps import trace
from mtattn.training.preparation import Materials
from mtattn.training.workers import emission_loss
from mtattn.transformer import Transformer

_N_SAMPLES = 3


class Validator:
    """Scores one model again and again, while its weights change.

    Args:
        model: in eval mode.
        materials: the dev pairs and the tokenizer.
        batch_tokens: see `batches_of_epoch`.
    """

    def __init__(self, model: Transformer, materials: Materials, batch_tokens: int) -> None:
        self._model, self._tokenizer = model, materials.tokenizer
        self._pairs, self._encoded = materials.dev, materials.dev_encoded
        self._batches = batches_of_epoch(self._encoded, batch_tokens, seed=0, epoch=0)
        self._translator = Translator(TorchSearch(model), materials.tokenizer)

    def loss(self) -> float:
        """Mean cross-entropy of the dev pairs that fit the model, in nats a token, without smoothing."""
        losses, n_emitted = zip(*((loss, n) for _, loss, n in self._losses()), strict=True)
        return float(np.average(losses, weights=n_emitted))

    @torch.inference_mode()
    def _losses(self) -> Iterator[tuple[np.ndarray, float, int]]:
        """Give each batch's indices, its mean loss and its number of emitted tokens."""
        for indices in self._batches:
            batch = self._encoded.batch(indices).to(self._model.device)
            yield indices, emission_loss(self._model, batch).item(), int((batch.tgt_emit != PAD).sum())

    def cause(self) -> str:
        """Say which pairs make `loss` no finite number, as `trace` does."""
        bad = (indices for indices, loss, _ in self._losses() if not math.isfinite(loss))
        indices = next(bad, self._batches[0])  # where sums differ from time to time, as on a GPU, all may be finite now
        return trace(self._model, self._encoded, indices, self._tokenizer)

    def translate(self) -> tuple[Scores, list[tuple[str, str, str]]]:
        """Translate dev greedily.

        Returns:
            Its scores; some of its sources with reference and translation.
        """
        scores, hypotheses = evaluate(self._translator, self._pairs, beam=1)
        samples = [(pair.src, pair.tgt, hypothesis) for pair, hypothesis in zip(self._pairs, hypotheses, strict=True)]
        return scores, evenly(samples, _N_SAMPLES)
