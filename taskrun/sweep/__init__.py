"""From a sweep file to a study: read, expand, join, render."""
