"""`import handlens` and `handlens --help` load no heavy library."""

import subprocess
import sys

import pytest

# Typer itself loads pydantic for the help of a command.
HEAVY = "numpy scipy sklearn pandas altair PIL pooch requests skops safetensors vl_convert mlxtend jinja2"


@pytest.mark.parametrize(
    "code",
    [
        "import handlens",
        "import handlens; dir(handlens)",
        "import sys; sys.argv = ['handlens', '--help']; from handlens.cli import main; main()",
        "import sys; sys.argv = ['handlens', 'run', '--help']; from handlens.cli import main; main()",
        "import sys; sys.argv = ['handlens', '--version']; from handlens.cli import main; main()",
    ],
)
def test_nothing_heavy_is_loaded(code):
    check = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print('LOADED', [m for m in {HEAVY.split()!r} if m in sys.modules]))\n"
        + code
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("LOADED []")


def test_the_public_names_are_there():
    import handlens

    for name in handlens.__all__:
        assert getattr(handlens, name) is not None
    with pytest.raises(AttributeError):
        _ = handlens.no_such_name
