"""The pure core: what a log means (fold) and what to do next (decide).

Nothing in this folder knows a clock, randomness or I/O; all of them are handed in or left to the
shell.  The same log and the same moment give the same actions, on every machine, for ever.
"""
