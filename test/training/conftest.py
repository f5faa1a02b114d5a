"""Running the scripts of ``training/`` as a user does."""

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / 'training'


@pytest.fixture
def run_script(monkeypatch, capsys):
    """Run a script in this process; return exit code, standard output, standard error."""

    def call(name, *arguments):
        spec = importlib.util.spec_from_file_location(f'{name}_script', SCRIPTS / f'{name}.py')
        script = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, script)  # dataclasses look their module up
        spec.loader.exec_module(script)
        monkeypatch.setattr(sys, 'argv', [f'{name}.py', *map(str, arguments)])
        try:
            code = script.main()
        except SystemExit as usage:
            code = usage.code
        return code, *capsys.readouterr()

    return call
