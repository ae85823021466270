import dataclasses

import pytest

from handlens.labs import more
from handlens.labs.lines import lines
from handlens.labs.published import published
from handlens.labs.variants import read
from handlens.labs.verdicts import Verdict


def wanting(monkeypatch, wanted):
    """Verdicts that ask for more replicates where `wanted(line)`, until a recipe has four."""

    def judged(found):
        return tuple(
            dataclasses.replace(
                line,
                verdict=Verdict(
                    "cannot tell",
                    0.1,
                    more=line.obtained is not None and wanted(line) and line.replicates < 4,
                ),
            )
            for line in lines(found)
        )

    monkeypatch.setattr(more, "lines", judged)


@pytest.mark.parametrize("steps", [(3, 4), (4,)])
def test_only_the_open_recipe_gets_more_replicates(lab_e, monkeypatch, steps):
    found, how = lab_e
    monkeypatch.setattr(more, "STEPS", steps)
    wanting(monkeypatch, lambda line: line.row.recipe == "relu-300x3")
    after = more.settled(found, how)
    counts = {member.name: len(member.runs) for member in after.part("e-scratch").result.members}
    assert counts.pop("relu-300x3") == 4
    assert set(counts.values()) == {2}
    rows = [row.model for row in after.part("e-scratch").result.rows]
    assert sorted(rows) == sorted(row.model for row in found.part("e-scratch").result.rows)
    assert [m.name for m in after.part("e-keras").continued] == [
        m.name for m in found.part("e-keras").continued
    ]


def test_an_open_continued_line_raises_its_whole_chain(lab_e, monkeypatch):
    found, how = lab_e
    monkeypatch.setattr(more, "STEPS", (3,))
    wanting(
        monkeypatch,
        lambda line: line.start == "continued" and line.row.recipe == "300-adam" and line.replicates < 3,
    )
    after = more.settled(found, how).part("e-keras")
    assert {len(m.runs) for m in after.continued if m.name.startswith("300-")} == {3}
    assert {len(m.runs) for m in after.continued if not m.name.startswith("300-")} <= {2, 3}
    assert len(after.member("300-adam").runs) == 3


def test_nothing_is_trained_where_nothing_is_open(lab_e):
    found, how = lab_e
    assert more.settled(found, how) is found


def test_every_study_leaves_room_for_further_replicates():
    studies = [name for lab in published().labs for name in lab.studies]
    assert sorted(more.STEPS) == list(more.STEPS)
    assert all(read(name).replicates < more.STEPS[-1] for name in studies)
