"""Networks that go wrong on purpose, in this process or in a worker: a recipe called `kill-2` does so twice.

A worker gets it by `monkeypatch.setattr("handlens.studies.training.process._live", trouble.live)`, since what
a worker does is named by its module. Each attempt leaves a byte in a file of the recipe's name in `TROUBLE`.
"""

import os
import signal
import sys
import time
from pathlib import Path

from handlens.engines.scratch import ScratchEngine, ScratchModel
from handlens.studies.training import process

FIT, SAVE, LIVE = ScratchEngine.fit, ScratchModel.save, process._live


def live(*args):
    ScratchEngine.fit, ScratchModel.save = fit, save
    LIVE(*args)


def main():
    """The command line with such workers."""
    from handlens.cli import main

    process._live = live
    main()


def attempts(name):
    log = Path(os.environ["TROUBLE"], name)
    return log.stat().st_size if log.exists() else 0


def fit(self, recipe, *args, **kwargs):
    how, _, times = recipe.name.partition("-")
    if times:
        with Path(os.environ["TROUBLE"], recipe.name).open("ab") as file:
            file.write(b".")
        if attempts(recipe.name) <= int(times):
            DO[how]()
    return FIT(self, recipe, *args, **kwargs)


def save(self, folder):
    """A slow disk, where the file `slow` is there."""
    slow = Path(os.environ["TROUBLE"], "slow")
    if slow.exists():
        slow.with_name("saving").touch()
        time.sleep(float(slow.read_text()))
    SAVE(self, folder)


def do_raise():
    raise ZeroDivisionError("nothing comes of it")


def do_memory():
    raise MemoryError


def do_exit():
    sys.exit(3)


def do_leave():
    os._exit(3)


def do_kill():
    os.kill(os.getpid(), signal.SIGKILL)


def do_refuse():
    from handlens.errors import SpecError

    raise SpecError("not these images")


DO = {name.removeprefix("do_"): action for name, action in globals().items() if name.startswith("do_")}
