"""Runs tasks as processes of this machine."""
