"""What an author writes, in YAML or Python, and the one model that both become."""
