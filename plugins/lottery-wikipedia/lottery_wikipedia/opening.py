"""What happens once, when a run is assembled."""

from __future__ import annotations

from lottery_wikipedia.access import Access
from lottery_wikipedia.circuit import Circuit
from lottery_wikipedia.snapshot import open_recording, open_snapshot

__all__ = ["prepare", "stamp_of"]


def prepare(access: Access) -> None:
    """Look at the snapshot, and forget the failures of earlier runs. Asks no server.

    Raises:
        DataError: The file to replay or to record to is no snapshot.
    """
    if access.replay:
        open_snapshot(access.replay)
        return
    if access.record:
        open_recording(access.record).find(())
    Circuit(access.address, access.cool_down_s).forget()


def stamp_of(access: Access) -> str:
    """Names the recorded answers, for the run's fingerprint; "" where live ones are given."""
    return open_snapshot(access.replay).stamp if access.replay else ""
