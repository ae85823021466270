"""Configurations searched by Optuna; every attempt is a run."""
