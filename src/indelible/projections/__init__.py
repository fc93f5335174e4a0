"""Views of a log: pure, made from events and state alone, and to be made again at any time."""
