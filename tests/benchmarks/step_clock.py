"""Trains with another toolkit, in its own environment, and notes when each update began and how many tokens it has.

    PYTHON step_clock.py joey|eole LOG [the toolkit's own arguments]

LOG becomes a JSON line an update: `at`, the time in seconds; `n_tokens`, source and target tokens without padding,
each sentence's </s> counted once; `n_parameters` of the model. This file knows nothing but the toolkit.
"""

import json
import sys
import time
from typing import Any, TextIO


def note(log: TextIO, model: Any, n_tokens: int) -> None:
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    log.write(json.dumps({"at": time.time(), "n_tokens": n_tokens, "n_parameters": n_parameters}) + "\n")


def joey(log: TextIO) -> Any:
    from joeynmt.__main__ import main
    from joeynmt.training import TrainManager

    train_step = TrainManager._train_step

    def noted(self: Any, batch: Any) -> Any:
        note(log, self.model, int(batch.src_length.sum()) + int(batch.ntokens))
        return train_step(self, batch)

    TrainManager._train_step = noted
    return main


def eole(log: TextIO) -> Any:
    from eole.bin.main import main
    from eole.trainer import Trainer

    train_step = Trainer._train_step

    def noted(self: Any, batches: list[Any], *rest: Any, **named: Any) -> Any:
        # Its targets begin with <s> and end with </s>, its sources have neither: together one </s> a sentence.
        note(log, self.model, sum(int(batch["srclen"].sum() + batch["tgtlen"].sum()) for batch in batches))
        return train_step(self, batches, *rest, **named)

    Trainer._train_step = noted
    return main


if __name__ == "__main__":
    toolkit, path, *arguments = sys.argv[1:]
    with open(path, "w", buffering=1) as file:  # noqa: PTH123
        main = {"joey": joey, "eole": eole}[toolkit](file)
        sys.argv = [toolkit, *arguments]
        main()
