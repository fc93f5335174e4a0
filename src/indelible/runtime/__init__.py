"""The shell: the only place that reads a clock, appends, and lets the world follow."""
