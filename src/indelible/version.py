"""The version of this package; recorded in every log as ``engine``."""

__version__ = "0.1.0"
