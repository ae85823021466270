"""What finished runs are worth: verdicts, audits, learning curves; joins runs, images and models with evaluate/."""
