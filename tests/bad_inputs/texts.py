"""Text to translate, look at or align that is broken, foreign, too long or malicious."""

import json
import re
import unicodedata

from bad_inputs.case import ANY, LINE, SAME_LINE_TWICE, Case

GREEDY = "mtattn translate --beam 1 --run $RUN"
EVIL = "\x1b[31mrojo\x1b]0;title\x07\x9b2J\u202eabc\x00"
TWO_LINES = re.compile(r"[^\n]+\n[^\n]+\n")

CASES = [
    Case("translate: no such file", f"{GREEDY} --input none.txt", ("none.txt: cannot be read (No such file",)),
    Case("align: no such file", "mtattn align none.tsv --run $RUN", ("none.tsv: cannot be read (No such file",)),
    Case("translate: a folder", f"{GREEDY} --input .", (".: cannot be read (Is a directory); name a text file",)),
    Case("translate: an empty file has no line", f"{GREEDY} --input x", None, status=0, files={"x": ""}),
    Case("align: an empty file has no line", "mtattn align x --run $RUN", None, status=0, files={"x": ""}),
    Case("inspect-heads: an empty text is an empty line", "mtattn inspect-heads '' --run $RUN", None, 0, "\n"),
    Case(
        "translate: bytes that are no UTF-8 are named, and borne",
        GREEDY,
        ("standard input: bytes that are no UTF-8 were replaced in 1 line (2), the first is byte 5 (0xff)",),
        status=0,
        out=TWO_LINES,
        stdin=b"Hola.\nHola\xff\n",
    ),
    Case(
        "align: Latin-1 is told with what to do",
        "mtattn align --run $RUN",
        ("in 2 lines (1, 2)", "if it is Latin-1, convert it: iconv -f WINDOWS-1252 -t UTF-8"),
        status=0,
        out=TWO_LINES,
        stdin="¿Qué?\tWhat?\nSí.\tYes.\n".encode("latin-1"),
    ),
    Case(
        "translate: UTF-16",
        GREEDY,
        ("standard input: it is not in UTF-8 but looks like UTF-16; convert it: iconv -f UTF-16 -t UTF-8",),
        stdin="Hola.\n".encode("utf-16"),
    ),
    Case(
        "inspect-heads: UTF-16 without a mark",
        "mtattn inspect-heads --run $RUN",
        ("standard input: it is not in UTF-8 but looks like UTF-16LE; convert it",),
        stdin="Hola, amigo.\n".encode("utf-16-le"),
    ),
    Case("translate: a mark, CR LF, LF", GREEDY, None, 0, SAME_LINE_TWICE, stdin="\ufeffHola.\r\nHola.\n"),
    Case("translate: the last line has no end", GREEDY, None, 0, SAME_LINE_TWICE, stdin="Hola.\nHola."),
    Case("translate: a NUL is as a space", GREEDY, None, 0, SAME_LINE_TWICE, stdin="Hola \0 amigo.\nHola amigo.\n"),
    Case(
        "translate: a carriage return, U+2028 and U+0085 end no line",
        GREEDY,
        None,
        0,
        SAME_LINE_TWICE,
        stdin="uno\rdos\u2028tres\x85cuatro\nuno dos tres cuatro\n",
    ),
    Case(
        "translate: composed and decomposed text is the same",
        GREEDY,
        None,
        0,
        SAME_LINE_TWICE,
        stdin="".join(unicodedata.normalize(form, "¿Dónde está?\n") for form in ("NFC", "NFD")),
    ),
    Case("translate: punctuation alone", GREEDY, None, 0, TWO_LINES, stdin="...\n¿?\n"),
    Case("translate: emoji alone", GREEDY, None, 0, TWO_LINES, stdin="😀\n👨‍👩‍👧‍👦 🇪🇸\n"),
    Case("translate: from right to left", GREEDY, None, 0, TWO_LINES, stdin="بيت كبير\n\u202eבית\u202c גדול\n"),
    Case(
        "align: emoji and text from right to left",
        "mtattn align --run $RUN",
        None,
        0,
        re.compile(r"0-0\n([0-2]-[0-2] ?)+\n"),
        stdin="😀\t😀\nبيت كبير .\tבית גדול .\n",
    ),
    Case("translate: a line of ten megabytes of white space", GREEDY, None, 0, "\n", stdin=" " * 10_000_000 + "\n"),
    Case(
        "align: a line of ten megabytes has no links, which is told",
        "mtattn align --run $RUN",
        ("standard input:2: longer than the model's positions; no links",),
        0,
        re.compile(r"0-0\n\n0-0\n"),
        stdin="Hola\tHello\n" + "a" * 10_000_000 + "\tb\nHola\tHello\n",
    ),
    Case(
        "translate: a line without end",
        f"{GREEDY} --input x",
        ("x:1: the line is longer than 16,777,216 bytes; write a sentence, or some, a line",),
        files={"x": b"\0" * 17_000_000},
    ),
    Case("translate: a hundred thousand empty lines stay", GREEDY, None, 0, "\n" * 100_000, stdin="\n" * 100_000),
    Case(
        "translate: text longer than the model's positions is split, and stays one line",
        GREEDY,
        ("line 2 is longer than the model's 256 positions: split into",),
        0,
        re.compile(r"[^\n]+\n[^\n]+\n[^\n]+\n"),
        stdin="Hola.\n" + "larga " * 200 + "\nHola.\n",
    ),
    Case(
        "inspect-heads: long text is split, and stays one line of JSON",
        "mtattn inspect-heads --json --beam 1 --run $RUN",
        ("text longer than the model's 256 positions: split into",),
        0,
        re.compile(r'\{"parts": \[\{"source": "larga [^\n]*\n'),
        stdin="larga " * 60 + ". " + "larga " * 60 + "\n",
    ),
    Case(
        "inspect-heads: a target longer than the model's positions",
        f"mtattn inspect-heads Hola --target '{'no ' * 300}' --run $RUN",
        ("--target: a side is longer than the model's 256 positions; give a shorter pair",),
    ),
    Case("translate: control characters never reach stdout", GREEDY, None, 0, LINE, stdin=f"{EVIL}\n"),
    Case(
        "translate: JSON has them escaped",
        f"{GREEDY} --json",
        None,
        0,
        re.compile(r'\{"source": ' + re.escape(json.dumps(EVIL)) + r', "translations": .*\}\n'),
        stdin=f"{EVIL}\n",
    ),
    Case("inspect-heads: control characters", "mtattn inspect-heads --run $RUN", None, 0, ANY, stdin=f"{EVIL}\n"),
    Case("align: control characters", "mtattn align --json --run $RUN", None, 0, LINE, stdin=f"{EVIL}\t{EVIL}\n"),
    Case(
        "align: control characters in a file's name", "mtattn align '\x1b[31m\x07' --run $RUN", (" [31m : cannot be",)
    ),
    Case(
        "align: a line without a tab",
        "mtattn align --run $RUN",
        ("standard input:2: there is no tab between source and target; write one pair a line: source, a tab, target",),
        stdin="a\tb\nno tab\n",
    ),
    Case(
        "translate: an output folder that is not there",
        f"{GREEDY} Hola --output none/x",
        ("none: there is no such folder; make it, or name another --output",),
    ),
    Case(
        "translate: an output that is a folder",
        f"{GREEDY} Hola --output folder",
        ("folder: cannot be written (Is a directory); make room for it, or name another place",),
        files={"folder/x": ""},
    ),
    Case(
        "translate: what stood in the output stays where the input is missing",
        f"{GREEDY} --input none --output x",
        ("none: cannot be read",),
        files={"x": "mine\n"},
    ),
]
