"""taskrun runs many shell commands as a graph on one machine."""

__version__ = "0.1.0"
