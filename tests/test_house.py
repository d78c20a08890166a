"""The house: a room imports from floors below its own, never from above."""

import ast
import re
from pathlib import Path

import mtattn

FLOORS = [
    {"errors", "text", "carried", "dropout", "surroundings"},
    {"attention", "files", "replaced"},
    {"config", "tokenizer"},
    {"alignment", "corpus", "transformer"},
    {"run"},
    {"weights"},
    {"decoding"},
    {"evaluation"},
    {"heads"},
    {"training"},
    {"export", "study"},
    {"cli"},
]
PACKAGE = Path(mtattn.__file__).parent


def imported_rooms(file: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("mtattn."):
            rooms.add(node.module.split(".")[1])
        elif isinstance(node, ast.ImportFrom) and node.module == "mtattn":
            rooms |= {name.name for name in node.names} & set().union(*FLOORS)
        elif isinstance(node, ast.Import):
            rooms |= {name.name.split(".")[1] for name in node.names if name.name.startswith("mtattn.")}
    return rooms


def test_no_room_imports_from_above_or_beside():
    floor_of = {room: number for number, floor in enumerate(FLOORS) for room in floor}
    files = [file for file in PACKAGE.rglob("*.py") if file.parent != PACKAGE or not file.stem.startswith("__")]
    assert len(files) > 20
    for file in files:
        room = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for other in imported_rooms(file) - {room}:
            assert floor_of[other] < floor_of[room], f"{file} imports {other}"


def test_only_the_corpus_knows_the_languages():
    for file in PACKAGE.rglob("*.py"):
        if "corpus" in file.parts or "cli" in file.parts or file.name == "config.py":
            continue  # the config has the default direction, the command line shows examples
        text = file.read_text(encoding="utf-8").lower()
        assert "spanish" not in text, file
        assert '"es"' not in text, file


def test_nothing_unpickles():
    for file in PACKAGE.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "torch.load" not in text, file
        assert "import pickle" not in text, file


def test_the_readmes_map_has_every_room_and_no_other():
    rows = (PACKAGE.parent / "README.md").read_text(encoding="utf-8").partition("## The code")[2].splitlines()
    named: set[str] = set()
    for row in rows[: next(n for n, row in enumerate(rows) if row.startswith("| to change"))]:
        folder = Path()
        for name in re.findall(r"`([\w/.]+)`", row.split("|")[1] if row.startswith("|") else ""):
            path = Path(name) if "/" in name.rstrip("/") else folder / name  # beside the one before, if not said
            folder = path.parent
            named.add(str(path) + "/" * name.endswith("/"))
    files = {str(file.relative_to(PACKAGE)) for file in PACKAGE.rglob("*.py") if not file.stem.startswith("__")}
    folders = tuple(name for name in named if name.endswith("/"))
    missing = [file for file in files - named if not file.startswith(folders)]
    assert not missing
    assert not [name for name in named if not (PACKAGE / name).exists()]
