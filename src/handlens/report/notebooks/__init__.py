"""A study as a notebook that was executed, and as the PDF of it: the form in which a lab is handed in.

`write.py` makes the files: `cells.py` writes the cells (`code.py` the study in them), `execute.py` runs
them in a kernel of their own, `pdf.py` typesets what came out. `show.py` is what the code cells call, with
the words of `findings.py`. Nothing that a notebook is made with is imported before one is written.
"""

from handlens.report.notebooks.write import Written, needed, write_notebook

__all__ = ["Written", "needed", "write_notebook"]
