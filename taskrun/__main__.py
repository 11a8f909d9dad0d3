"""The `taskrun` command, also as `python -m taskrun`; a Ctrl-C while it is being loaded ends it without a traceback.

Nothing else is imported before that is seen to.
"""

import signal
import sys


def main() -> None:
    """Run one command and exit with its status."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where it is ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from taskrun.cli import main as answer

    try:
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        answer()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
