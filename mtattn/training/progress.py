"""What a training shows while it runs: a live line in a terminal, plain lines in a pipe. All on stderr."""

import time
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from mtattn.evaluation import Scores
from mtattn.text import counted

_PLAIN_EVERY_S = 10.0
_SPEED_WINDOW_S = 5.0


@dataclass(frozen=True, slots=True)
class StepReport:
    """One optimizer step.

    Attributes:
        step: its number, from 1.
        epoch: its epoch, from 1.
        position: share of the training that was done before it, 0 to 1.
        loss: mean smoothed cross-entropy of its batch, nats a token.
        n_tokens: source and target tokens of its batch.
        elapsed_s: seconds spent on the run so far.
        last_bleu: greedy BLEU on dev at the last validation; None before the first.
    """

    step: int
    epoch: int
    position: float
    loss: float
    n_tokens: int
    elapsed_s: float
    last_bleu: float | None


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """One validation.

    Attributes:
        step: after which it was made.
        loss: mean cross-entropy on dev without smoothing, nats a token.
        scores: of greedy translations of dev.
        better: its BLEU is the best so far.
        samples: some source sentences with reference and translation.
    """

    step: int
    loss: float
    scores: Scores
    better: bool
    samples: list[tuple[str, str, str]]


def clock(seconds: float) -> str:
    """Write a duration as m:ss or h:mm:ss.

    Example:
        >>> clock(65), clock(3600)
        ('1:05', '1:00:00')
    """
    minutes, s = divmod(int(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02}:{s:02}" if hours else f"{m}:{s:02}"


class Display:
    """Tells a user how a training goes.

    Args:
        console: of stderr; a quiet one shows nothing.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._window: list[tuple[float, int]] = []
        self._first: StepReport | None = None
        self._told_at = 0.0

    def note(self, text: str) -> None:
        """Tell one thing."""
        self._console.print(Text(text), soft_wrap=True)

    def step(self, report: StepReport) -> None:
        """Show the step: at once in a terminal, every ten seconds elsewhere."""
        self._first = self._first or report
        self._window.append((time.monotonic(), report.n_tokens))
        while self._window[-1][0] - self._window[0][0] > _SPEED_WINDOW_S and len(self._window) > 2:
            self._window.pop(0)
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._show_live(report)
        elif time.monotonic() - self._told_at >= _PLAIN_EVERY_S:
            self._told_at = time.monotonic()
            self.note(f"{report.position:4.0%}  " + "  ".join(self._facts(report)))

    def _facts(self, report: StepReport) -> list[str]:
        span_s = self._window[-1][0] - self._window[0][0]
        speed = sum(n for _, n in self._window[1:]) / span_s if span_s else 0.0
        assert self._first is not None
        done = report.position - self._first.position
        facts = [f"step {report.step:,}", f"epoch {report.epoch}", f"loss {report.loss:.2f}"]
        facts += [f"{speed:,.0f} tokens/s" if speed else "", f"{clock(report.elapsed_s)} gone"]
        if done > 0:
            left_s = (report.elapsed_s - self._first.elapsed_s) / done * (1 - report.position)
            facts.append(f"{clock(left_s)} left")
        if report.last_bleu is not None:
            facts.append(f"BLEU {report.last_bleu:.1f}")
        return [fact for fact in facts if fact]

    def _show_live(self, report: StepReport) -> None:
        if self._bar is None:
            self._bar = Progress(
                BarColumn(bar_width=20),
                TextColumn("{task.description}"),
                console=self._console,
                transient=True,
            )
            self._task = self._bar.add_task("", total=1.0)
            self._bar.start()
        assert self._task is not None
        self._bar.update(self._task, completed=report.position, description=" · ".join(self._facts(report)))

    def validation(self, report: ValidationReport) -> None:
        """Show the scores on dev and some translations."""
        best = ", the best so far" if report.better else ""
        self.note(
            f"step {report.step:,}: dev loss {report.loss:.2f}, BLEU {report.scores.bleu:.1f}, "
            f"chrF {report.scores.chrf:.1f} (greedy, {counted(report.scores.n_pairs, 'sentence')}){best}"
        )
        for src, tgt, translation in report.samples:
            self.note(f"    {src} → {translation}" + ("" if translation == tgt else f"   (reference: {tgt})"))

    def __enter__(self) -> "Display":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
