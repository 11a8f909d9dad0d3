"""What runs tasks: the local machine, or nothing at all (a dry run)."""
