"""Where logs live: the port, its codec, and the stores that come with Indelible."""
