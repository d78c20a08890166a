"""Each way of `inspect-heads` takes the options that it uses, and refuses all others."""

import pytest
from typer.testing import CliRunner

from mtattn.cli import app

OPTIONS = {
    "TEXT": ["Hola."],
    "--target": ["--target", "Hello."],
    "--kind": ["--kind", "cross"],
    "--layer": ["--layer", "1"],
    "--head": ["--head", "1"],
    "--subwords": ["--subwords"],
    "--lang": ["--lang", "en"],
    "--html": ["--html", "heads.html"],
    "--svg": ["--svg", "heads.svg"],
    "--beam": ["--beam", "5"],
    "--mute": ["--mute", "cross.1.1"],
    "--only": ["--only", "cross.1.1"],
    "--uniform": ["--uniform", "cross.1.1"],
    "--data": ["--data", "pairs.tsv"],
    "--sort": ["--sort", "head"],
    "--ablation-pairs": ["--ablation-pairs", "200"],
    "--csv": ["--csv"],
    "--json": ["--json"],
}
SEEN = "TEXT --target --beam --mute --only --uniform --json "
WAYS = {
    "": SEEN + "--kind --layer --head --subwords --html --svg",
    "--overview": SEEN + "--kind --subwords --html --svg",
    "--why word": SEEN + "--layer --head --lang",
    "--explain word": SEEN + "--kind --layer --head --subwords --lang",
    "--scorecard": "--kind --layer --head --data --sort --ablation-pairs --csv --json",
    "--history": "TEXT --kind --layer --head --subwords --html --json",
}
IN_JSON = {
    "": "--kind --layer --head --subwords",
    "--overview": " ".join(OPTIONS),
    "--why word": "--lang",
    "--explain word": "--lang",
    "--scorecard": "--csv",
    "--history": "--kind --layer --head --subwords",
}


def inspect(*arguments: str) -> tuple[int, str]:
    """Give the exit status, 1 where all options go together, since there is no run, and what is told."""
    result = CliRunner().invoke(app, ["inspect-heads", "--run", "none", *arguments])
    assert result.exit_code in (1, 2), result.output
    assert ("no such folder" in result.stderr) == (result.exit_code == 1)
    return result.exit_code, " ".join(result.stderr.replace("\u2502", " ").split())


def texts(way: str) -> list[str]:
    return ["Hola."] if "TEXT" in WAYS[way] and way != "--history" else []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_is_used_or_refused(way, option):
    given = [*way.split(), *OPTIONS[option]]
    given += [] if option == "TEXT" else texts(way)
    used = option in WAYS[way].split() and not (way == "--overview" and option == "--json")
    status, told = inspect(*given)
    assert status == (1 if used else 2), told
    if not used:
        assert option in told
        assert way.split(" ")[0] in told


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("option", OPTIONS)
def test_what_json_does_not_change_is_refused(way, option):
    if option in WAYS[way].split() and option not in ("TEXT", "--json"):
        status, told = inspect(*way.split(), "--json", *OPTIONS[option], *texts(way))
        assert status == (2 if option in IN_JSON[way].split() else 1), told


def test_json_beside_a_page_goes_with_what_the_page_shows():
    assert inspect("Hola.", "--json", "--html", "heads.html", "--layer", "1")[0] == 1
    assert inspect("--history", "--json", "--html", "heads.html", "--layer", "1")[0] == 1


@pytest.mark.parametrize("way", [way for way in WAYS if way])
@pytest.mark.parametrize("other", [way for way in WAYS if way])
def test_two_ways_do_not_go_together(way, other):
    if way != other:
        status, told = inspect(*way.split(), *other.split(), "Hola.")
        assert (status, "do not go together" in told) == (2, True)
