"""Where a node's work runs: the port, and the executors that come with Indelible."""
