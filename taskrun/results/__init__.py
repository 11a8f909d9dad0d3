"""What attempts leave that outlive their runner: how they ended, on disk, and what of them still lives."""

from taskrun.results.ends import found_over, signal_name, told
from taskrun.results.reading import End, Result, is_blank, is_held, is_told, note_asked, read_result, written
from taskrun.results.survivors import Survivor, find_survivor, is_of_this_boot, is_trusted, survivor

__all__ = [
    "End",
    "Result",
    "Survivor",
    "find_survivor",
    "found_over",
    "is_blank",
    "is_held",
    "is_of_this_boot",
    "is_told",
    "is_trusted",
    "note_asked",
    "read_result",
    "signal_name",
    "survivor",
    "told",
    "written",
]
