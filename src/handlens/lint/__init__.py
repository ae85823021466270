"""Faults in other people's notebooks: read, never run."""
