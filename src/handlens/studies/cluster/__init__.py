"""Trials on other machines, by Ray."""
