"""Many strings in two files, read one at a time: `NAME.bin` holds them end to end, `NAME.npy` where each ends."""

from __future__ import annotations

import mmap
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import overload

__all__ = ["StoredStrings", "write_strings"]


def write_strings(strings: Iterable[str], folder: Path, name: str) -> None:
    """Write strings of any Unicode, half surrogate pairs included, holding one of them at a time."""
    import numpy as np

    ends = array("q")
    end = 0
    with (folder / f"{name}.bin").open("wb") as file:
        for text in strings:
            end += file.write(text.encode("utf-8", "surrogatepass"))
            ends.append(end)
    np.save(folder / f"{name}.npy", np.asarray(ends, dtype=np.int64), allow_pickle=False)


class StoredStrings(Sequence[str]):
    """Strings that `write_strings` wrote; memory-mapped. Opening costs nothing, and any thread may read."""

    def __init__(self, folder: Path, name: str) -> None:
        import numpy as np

        self._ends = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        with (folder / f"{name}.bin").open("rb") as file:
            size = file.seek(0, 2)
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...

    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(index)
        begin = int(self._ends[place - 1]) if place else 0
        return self._bytes[begin : int(self._ends[place])].decode("utf-8", "surrogatepass")
