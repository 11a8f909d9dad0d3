"""BLAKE2 without the rest of hashlib, which loads OpenSSL (4 ms and 3 MiB) for digests that nobody here asks for."""

from __future__ import annotations

try:
    from _blake2 import blake2b
except ImportError:  # a Python that has it elsewhere
    from hashlib import blake2b

__all__ = ["blake2b"]
