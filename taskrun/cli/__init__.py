"""The command line: click commands, one error boundary, exit statuses."""
