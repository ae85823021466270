"""One file a peer. Each has `WORKS`: name of the work to a function that prepares it and gives a step.

A step does the work once; the worker times it. `CHECKS` has, for some works, a function that takes what the
step returned and measures how well it was done, outside the time.
"""
