"""A history in a terminal, and `mtattn inspect-heads --history` as its users meet it."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from head_records import HOSTILE, history
from rich.cells import cell_len
from typer.testing import CliRunner, Result

from mtattn.cli import app
from mtattn.heads.card import NO_ROLE, ROLES
from mtattn.heads.history import Frame, head_to_show, read_history, spread
from mtattn.heads.record import KINDS
from mtattn.heads.views.cells import sparkline
from mtattn.heads.views.colours import paper
from mtattn.heads.views.history import SIGNS, show_frame, show_history
from mtattn.heads.views.terminal import shade
from mtattn.run import CONFIG, HISTORY, MANIFEST, RunFolder

CAT = ("El gato negro bebe leche", "The black cat drinks milk .")
FRAMES = history(CAT)
MANY = history(CAT, ("palabra " * 11 + "fin", "日本語 es así"), n=37, n_heads=8)
OWN = history(CAT, forced=False)


def plain(frames: list[Frame], **options: object) -> list[str]:
    return [line.plain for line in show_history(frames, range(len(frames[0].probes)), **options)]


def test_every_role_has_a_sign_of_its_own():
    assert set(SIGNS) == {NO_ROLE, *(rule.role for rule in ROLES)}
    assert len(set(SIGNS.values())) == len(SIGNS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize(("frames", "width"), [(FRAMES, 60), (FRAMES, 80), (MANY, 80), (MANY, 133), (OWN, 80)])
def test_every_head_has_a_row_and_no_line_is_too_wide(frames, kind, width, colour):
    lines = plain(frames, kind=kind, colour=colour, width=width)
    sentences = [f"{probe.record.source} → " for probe in frames[-1].probes]
    assert all(cell_len(line) <= width or any(map(line.startswith, sentences)) for line in lines)
    heads = [str(card.head) for card in frames[0].heads if card.head.kind == kind]
    rows = [line for line in lines if re.match(rf"{kind}\.\d\.\d +\S+ \w", line)]
    assert [row.split()[0] for row in rows] == heads
    assert all(row.split()[2] in SIGNS for row in rows)
    assert any(line.startswith("head ") and line.endswith("entropy, %") for line in lines)
    for n in range(len(frames)):
        shown = [line.plain for line in show_frame(frames, n, 0, kind=kind, width=width)]
        assert max(map(cell_len, shown[1:])) <= width


def test_a_strip_has_a_sign_for_each_validation():
    lines = plain(FRAMES)
    for i, card in enumerate(FRAMES[-1].heads):
        if card.head.kind == "cross":
            signs = "".join(SIGNS[frame.heads[i].role] for frame in FRAMES)
            rates = [frame.heads[i].aer_read if card.role == "reader" else frame.heads[i].aer for frame in FRAMES]
            way, numbers = sparkline(rates), f"{rates[0]:.2f}→{rates[-1]:.2f}"
            assert any(
                line.startswith(f"{card.head}  {signs} {card.role}") and f"{way} {numbers}" in line for line in lines
            )


def test_at_one_validation_readers_have_the_error_rate_of_the_words_read():
    for n, frame in enumerate(FRAMES):
        lines = [line.plain for line in show_frame(FRAMES, n, 0)]
        for layer in (1, 2):
            cards = [card for card in frame.heads if (card.head.kind, card.head.layer) == ("cross", layer)]
            numbers = [card.aer_read if card.role == "reader" else card.aer for card in cards]
            told = "  ".join(
                f"{card.head.head} {SIGNS[card.role]} {number:.2f}".replace(" 0.", " .")
                for card, number in zip(cards, numbers, strict=True)
            )
            assert f"cross.{layer}  {told}" in lines
    assert any(card.role == "reader" and card.aer != card.aer_read for frame in FRAMES for card in frame.heads)


def test_without_gold_alignments_there_is_no_error_rate():
    frames = history(CAT, gold=False)
    assert "AER" not in "\n".join(plain(frames))
    assert "AER" in "\n".join(plain(FRAMES))
    assert "AER" not in "\n".join(line.plain for line in show_frame(frames, 0, 0))


def film(frames: list[Frame], **options: object) -> list:
    """Give the lines of the small maps, the steps above them."""
    lines = list(show_history(frames, [0], **options))
    start = next(i for i, line in enumerate(lines) if line.plain.split()[:2] == ["100", "200"])
    return lines[start : next(i for i, line in enumerate(lines[start:], start) if not line.plain)]


@pytest.mark.parametrize("frames", [FRAMES, OWN])
def test_small_maps_show_each_weight_of_the_head_at_each_step(frames):
    name = head_to_show(frames, "cross", None, None)
    expected = [frame.probes[0].record.words["cross"].select(name.layer, name.head).weights for frame in frames]
    steps, *rows = film(frames, colour=False)
    assert steps.plain.split() == ["100", "200", "300"]
    n_columns, left = expected[0].shape[1], steps.plain.index("100")
    for t, row in enumerate(rows):
        for i, weights in enumerate(expected):
            start = left + i * (n_columns + 2)
            shades = "".join(shade(float(weight)).replace(" ", "·") for weight in weights[t])
            assert row.plain[start : start + n_columns] == shades
    coloured = film(frames)[1]
    grounds = [span.style.bgcolor.triplet for span in coloured.spans if getattr(span.style, "bgcolor", None)]
    assert [tuple(one) for one in grounds] == [
        paper(round(float(weight), 2), "dark") for weights in expected for weight in weights[0]
    ]


def test_a_translation_is_told_where_it_changes():
    lines = plain(history(CAT, n=5))
    told = [line.split(maxsplit=1) for line in lines if re.match(r"\d+  The black", line)]
    assert told == [[step, f"{CAT[1]} {n}"] for step, n in (("100", 0), ("300", 1), ("500", 2))]


def test_a_strip_that_leaves_validations_out_says_so():
    assert re.search(r"\d of 37 validations", " ".join(plain(MANY, width=80)))
    assert " of 3 validations" not in " ".join(plain(FRAMES))


def test_frames_are_taken_evenly_with_the_first_and_the_last():
    taken = spread(MANY, 5)
    assert [frame.step for frame in taken] == [100, 1000, 1900, 2800, 3700]
    assert spread(FRAMES, 3) == FRAMES
    assert spread(MANY, 2) == [MANY[0], MANY[-1]]


def inspect(run: Path, *options: object, status: int = 0) -> Result:
    result = CliRunner().invoke(app, ["inspect-heads", "--history", "--run", str(run), *map(str, options)])
    assert result.exit_code == status, result.stderr
    return result


class TestCommand:
    def test_in_a_pipe_it_is_plain_text_and_the_same_without_colour(self, trained_run):
        command = [sys.executable, "-m", "mtattn", "inspect-heads", "--history", "--run", str(trained_run.path)]
        outputs = [
            subprocess.run(command, capture_output=True, check=True, timeout=120, env=os.environ | more).stdout
            for more in ({}, {"NO_COLOR": "1"})
        ]
        assert outputs[0] == outputs[1]
        assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", outputs[0])
        assert outputs[0].count(b"\ncross.") >= 16
        (probe,) = read_history(trained_run)[-1].probes
        assert f"{probe.record.source} → {probe.record.target} (given)" in outputs[0].decode()

    def test_in_a_terminal_it_is_played_and_ctrl_c_ends_it(self, trained_run):
        # A shell that starts the tests in the background has them, and what they start, ignore Ctrl-C.
        heeds = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
        code = f"{heeds}; from mtattn.cli import main; main()"
        command = [sys.executable, "-c", code, "inspect-heads", "--history", "--run", str(trained_run.path)]
        ours, its = os.openpty()
        environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "40"}
        with subprocess.Popen(command, stdout=its, stderr=its, env=environment) as process:
            os.close(its)
            shown = b""
            while b"writes: " not in shown:
                shown += os.read(ours, 1 << 16)
            process.send_signal(signal.SIGINT)
            with suppress(OSError):  # Linux: nobody has the other end any more
                while more := os.read(ours, 1 << 16):
                    shown += more
            os.close(ours)
        assert process.returncode == 130
        assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")  # the cursor is seen again
        assert b"Traceback" not in shown

    def test_json_is_a_line_for_each_validation_as_the_file_has_it(self, trained_run):
        shown = inspect(trained_run.path, "--json").stdout
        assert shown == (trained_run.path / HISTORY).read_text(encoding="utf-8")

    def test_a_head_and_a_kind_can_be_named(self, trained_run):
        shown = inspect(trained_run.path, "--kind", "encoder", "--layer", 1, "--head", 3, "--subwords").stdout
        assert "encoder.1.3, between pieces" in shown
        assert "there is no head 9" in inspect(trained_run.path, "--head", 9, status=1).stderr

    def test_a_probe_is_named_by_its_source(self, trained_run):
        source = read_history(trained_run)[0].probes[0].record.source
        assert source in inspect(trained_run.path, source).stdout
        told = inspect(trained_run.path, "Otra cosa.", status=1).stderr
        assert source in told
        assert "--probe" in told

    def test_a_run_without_a_history_is_told(self, trained_run, tmp_path):
        for name in (CONFIG, MANIFEST):
            (tmp_path / name).write_bytes(trained_run.read(name))
        assert "no history of its heads" in inspect(tmp_path, status=1).stderr

    @pytest.mark.parametrize(
        "options", [["--scorecard"], ["--target", "a"], ["--mute", "cross.1.1"], ["--svg", "a.svg"], ["--overview"]]
    )
    def test_what_does_not_go_together_is_wrong_usage(self, trained_run, options):
        inspect(trained_run.path, *options, status=2)

    def test_what_a_stranger_wrote_into_the_file_stays_text(self, trained_run, tmp_path):
        for name in (CONFIG, MANIFEST):
            (tmp_path / name).write_bytes(trained_run.read(name))
        frames = history((" ".join(HOSTILE), " ".join(HOSTILE)))
        lines = [json.dumps(frame.as_object()) for frame in frames]
        (tmp_path / HISTORY).write_text("".join(line + "\n" for line in lines))
        for options in ([], ["--json"], ["--subwords"]):
            shown = inspect(tmp_path, *options).stdout
            assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u2028\u202a-\u202e]", shown)

    def test_html_is_written_whole_beside_it(self, trained_run, tmp_path):
        page = tmp_path / "history.html"
        result = inspect(trained_run.path, "--html", page)
        assert f"written: {page}" in result.stderr
        assert page.read_text(encoding="utf-8").endswith("</html>\n")
        assert "no such folder" in inspect(trained_run.path, "--html", tmp_path / "no" / "a.html", status=1).stderr
        assert RunFolder(trained_run.path).is_run()
