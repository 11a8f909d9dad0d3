"""What came of opening, appending to and reading a journal."""
