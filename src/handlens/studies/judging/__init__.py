"""What finished runs are worth: verdicts, audits, learning curves; runs and images brought to evaluate/."""
