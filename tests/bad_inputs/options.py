"""Settings and options that are unknown, impossible or contradictory."""

from bad_inputs.case import TRAIN, Case
from bad_inputs.corpora import PAIRS

FILES = {"p.tsv": PAIRS}
TRAINS = f"{TRAIN} --data p.tsv"


def setting(name: str, assignment: str, *says: str) -> Case:
    return Case(f"train: {name}", f"{TRAINS} --set '{assignment}'", says, files=FILES)


CASES = [
    setting("n_heads that does not divide d_model", "model.n_heads=7", "n_heads=7 does not divide d_model=32; near it"),
    setting("a negative number", "training.learning_rate=-1", "training.learning_rate = -1: input should be greater"),
    setting("NaN", "training.learning_rate=nan", "training.learning_rate = nan: input should be a finite number"),
    setting("infinity", "data.dev_share=inf", "data.dev_share = inf: input should be a finite number"),
    setting("no end", "training.steps=0", "training: the training has no end: set epochs, steps or minutes"),
    setting("an unknown key", "model.d_modle=4", "model.d_modle is no setting; did you mean model.d_model?"),
    setting("an unknown section", "modle.d_model=4", "modle is no section; did you mean model?"),
    setting("a key without its section", "n_heads=4", "n_heads is no setting; did you mean model.n_heads?"),
    setting("a section", "model=4", "model = 4: this is a section; set model.KEY"),
    setting("no key", "=4", "--set =4: this sets nothing; write section.key=value"),
    setting("no value", "model.n_heads", "--set model.n_heads: this sets nothing; write section.key=value"),
    setting("a number without end", f"seed={'9' * 5_000}", "seed = '9999", "…: input should be a valid integer"),
    setting("a nesting without end", f"seed={'[' * 100_000}", "seed = '[[[[", "…: input should be a valid integer"),
    Case(
        "train: threads without end",
        f"{TRAINS} --threads 100000",
        ("training.threads = 100000: input should be less than or equal to 1024",),
        files=FILES,
    ),
    setting("one column alone", "data.src_column=1", "data: src_column and tgt_column are given both or neither"),
    setting("control characters", "\x1b[31mx=1", " [31mx is no setting"),
    Case(
        "train: several faults are told at once",
        f"{TRAINS} --set model.n_heads=7 --set model.x=1 --set seed=-1",
        ("n_heads=7 does not divide", "model.x is no setting", "seed = -1: input should be greater"),
        files=FILES,
    ),
    Case(
        "train: a language into itself",
        f"{TRAINS} --direction es-es",
        ("direction: es-es goes from a language to itself",),
        files=FILES,
    ),
    Case(
        "data export: a language into itself",
        "mtattn data export --data p.tsv --direction es-es x.tsv",
        ("'es-es' is not a direction of translation; write two different language codes, such as es-en",),
        files=FILES,
    ),
    Case(
        "train: no such config",
        f"{TRAINS} --config none",
        ("none: there is no config of this name; take one of base, large, medium, small, tiny, or a .toml file",),
        files=FILES,
    ),
    Case(
        "train: a config that is no TOML",
        f"{TRAINS} --config c.toml",
        ("c.toml: this is no TOML (", "look at configs/small.toml"),
        files=FILES | {"c.toml": "seed: 3\n"},
    ),
    Case(
        "train: a config in UTF-16",
        f"{TRAINS} --config c.toml",
        ("c.toml: this is no TOML ('utf-8' codec can't decode byte 0xff in position 0",),
        files=FILES | {"c.toml": "seed = 3\n".encode("utf-16")},
    ),
    Case(
        "train: a config that is a folder",
        f"{TRAINS} --config c.toml",
        ("c.toml: cannot be read (Is a directory); check the path",),
        files=FILES | {"c.toml/x": ""},
    ),
    Case("train: less than a moment", f"{TRAINS} --minutes nan", ("'--minutes'",), status=2, files=FILES),
    Case(
        "train: for ever", f"{TRAINS} --minutes inf", ("training.minutes = inf: input should be a finite",), files=FILES
    ),
    Case("train: --resume alone", "mtattn train --resume", ("--resume needs --run, the folder of the",), status=2),
    Case("train: --resume with a seed", "mtattn train --resume --run x --seed 2", ("leave out all others",), status=2),
    Case("train: a run without a name", f"{TRAINS} --run ''", ("'--run': the name is empty",), status=2, files=FILES),
    Case("translate: a run without a name", "mtattn translate x --run ''", ("'--run': the name is empty",), status=2),
    Case("translate: no beam", "mtattn translate x --beam 0 --run $RUN", ("'--beam'",), status=2),
    Case("translate: a beam that fills the memory", "mtattn translate x --beam 1000000 --run $RUN", ("'--beam'",), 2),
    Case("translate: more than the beam finds", "mtattn translate x --n-best 6 --run $RUN", ("--n-best 6 wants",), 2),
    Case("translate: texts and a file", "mtattn translate x --input y", ("give texts or --input, not both",), 2),
    Case("translate: no such engine", "mtattn translate x --engine none", ("'--engine'",), 2),
    Case("inspect-heads: no such layer", "mtattn inspect-heads x --layer 9 --run $RUN", ("name one of 1 to 2",)),
    Case("align: no such head", "mtattn align --head 9 --run $RUN", ("name one of 1 to 8",), stdin="a\tb\n"),
    Case("inspect-heads: a target for two", "mtattn inspect-heads x y --target z", ("--target goes with one TEXT",), 2),
    Case(
        "inspect-heads: no such head", "mtattn inspect-heads x --mute cross.9.9 --run $RUN", ("cross.1.1 to cross.2.8",)
    ),
    Case(
        "translate: what names no head", "mtattn translate x --mute 9 --run $RUN", ("write kind.layer.head, such as",)
    ),
    Case(
        "inspect-heads: a drawing in a folder that is not there",
        "mtattn inspect-heads x --beam 1 --svg none/x.svg --run $RUN",
        ("none: there is no such folder; make it, or name another --svg",),
    ),
    Case("study-heads: no numbers", "mtattn study-heads --heads 3,x", ("--heads 3,x: write numbers from 1 with",), 2),
    Case(
        "study-heads: heads that do not divide d_model",
        "mtattn study-heads --heads 7 --config tiny --data p.tsv --run out",
        ("n_heads=7 does not divide d_model=32; near it",),
        files=FILES,
    ),
    Case(
        "study-heads: no such file",
        "mtattn study-heads --config tiny --data none.tsv --run out",
        ("none.tsv: there is no such file; check the path",),
    ),
    Case("export: no such format", "mtattn export --to none --run $RUN", ("'--to'",), 2),
    Case(
        "export: over what is no export",
        "mtattn export --to ctranslate2 --output folder --run $RUN",
        ("folder: something that is no export stands here; name another with --output",),
        files={"folder/x": "mine"},
    ),
    Case(
        "evaluate: not exported", "mtattn evaluate --engine ctranslate2 --run $RUN", ("has not been exported; export",)
    ),
    Case("data gold: no pairs", "mtattn data gold --pairs 0", ("'--pairs'",), 2),
    Case("data export: no such part", "mtattn data export --part none x.tsv", ("write all, train, dev or test",), 2),
    Case("no such command", "mtattn translte x", ("No such command 'translte'",), 2),
    Case(
        "quiet behind the command",
        "mtattn data export -q --data p.tsv p2.tsv",
        None,
        0,
        files=FILES,
        leaves={"p2.tsv": PAIRS},
    ),
]
