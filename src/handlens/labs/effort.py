"""What it took to train the labs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from handlens.labs.run import Found
from handlens.report import formats


def effort(found: Sequence[Found]) -> str:
    """How many trainings there were, and their time, one after the other and of processors; empty of none."""
    members = [
        member
        for one in found
        for part in one.parts
        if part.result
        for member in (*part.result.members, *part.continued)
    ]
    timings = list({run.trial.hash: run.timings for member in members for run in member.runs}.values())
    if not timings:
        return ""
    wall, cpu, before = (
        math.fsum(values)
        for values in zip(
            *((t.fit_wall_s, t.fit_cpu_s, t.warm_up_s + t.compile_s) for t in timings), strict=True
        )
    )
    return (
        f"{formats.plural(len(timings), 'training')}: {formats.duration(wall)} one after the other, "
        f"{formats.duration(cpu)} of processor time, {formats.duration(before)} of compiling and warming up."
    )
