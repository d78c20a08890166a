"""Bad inputs over the real command line: exit status, messages, results, and what is left behind."""

import re
from pathlib import Path

import pytest
from bad_inputs import corpora, options, runs, surroundings, texts
from bad_inputs.case import Case, carry_out, contents, lay_out, parameters
from typer.testing import CliRunner

from mtattn.cli import app
from mtattn.run import RunFolder

CASES = parameters(corpora.CASES, texts.CASES, options.CASES, runs.CASES, surroundings.CASES)
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture(scope="session")
def imported(trained_run: RunFolder) -> None:
    """Import all that commands import, since the user nobody may not even read it."""
    for command in ("align", "evaluate --beam 1"):
        CliRunner().invoke(app, [*command.split(), "--run", str(trained_run.path)], input="")


def test_there_are_sixty_cases_and_more() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("case", CASES)
def test_a_bad_input_is_told_or_borne(
    case: Case, trained_run: RunFolder, imported: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if case.shell and not Path("/bin/bash").exists():
        pytest.skip("there is no bash")
    if "/dev/full" in case.command and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    if "--to ctranslate2" in case.command:
        pytest.importorskip("ctranslate2")
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MTATTN_TRAINED_RUN", str(trained_run.path))
    lay_out(case.files, folder)
    before, run_before = contents(folder), contents(trained_run.path)
    result = carry_out(case, trained_run.path)
    after = contents(folder)

    assert result.status == case.status, result.stderr
    for part in case.says or ():
        assert part in result.stderr
    assert case.says is not None or result.stderr == ""
    assert case.says or case.out or not case.status
    assert "Traceback" not in result.stderr
    assert not CONTROLS.search(result.stderr)
    if isinstance(case.out, str):
        assert result.stdout == case.out
    else:
        assert case.out.fullmatch(result.stdout), result.stdout[:2000]
    assert not CONTROLS.search(result.stdout)
    assert {name: after.get(name) for name in before} == before
    assert after.keys() - before.keys() == case.leaves.keys()
    for name, content in case.leaves.items():
        assert content is None or after[name] == content.encode()
    assert contents(trained_run.path) == run_before
