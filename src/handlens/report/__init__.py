"""Reports: the table in the terminal, charts, the HTML page, the notebook.

Importing this package loads no chart library: each loads where it is first needed.
"""

from handlens.report.look import look_text, write_look
from handlens.report.scores import scores_csv
from handlens.report.study import write_study
from handlens.report.table import row_dict, study_table, table

__all__ = ["look_text", "row_dict", "scores_csv", "study_table", "table", "write_look", "write_study"]
