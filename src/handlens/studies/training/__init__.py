"""Trials trained: one, a study of them, in worker processes; claims, failures, tracking."""
