"""Where the gzip members of a file end: a file of history is a row of them, and only whole ones count.

Whoever was killed while writing, on the operator's side or on that of a person who fetches the file, leaves half a
member at the end. Bytes come in pieces of any size, from a disk or from a connection.
"""

import zlib
from collections.abc import Iterator

_GZIP = 31
_TEXT_AT_ONCE = 1 << 20


class Members:
    """Takes a file's bytes in order, and tells where each whole member ends.

    Attributes
    ----------
    damaged : bool
        A member did not hold what its checksum says, or is none; nothing is looked at any more.
    """

    def __init__(self) -> None:
        self._behind = 0
        self._member = zlib.decompressobj(_GZIP)
        self.damaged = False

    def feed(self, piece: bytes) -> Iterator[int]:
        """Take a piece, and give the offset behind each member that ends in it, counted from the first byte taken."""
        while piece and not self.damaged:
            try:
                self._member.decompress(piece, _TEXT_AT_ONCE)
                while left := self._member.unconsumed_tail:
                    self._member.decompress(left, _TEXT_AT_ONCE)
            except zlib.error:
                self.damaged = True
                return
            rest = self._member.unused_data
            self._behind += len(piece) - len(rest)
            piece = rest
            if self._member.eof:
                yield self._behind
                self._member = zlib.decompressobj(_GZIP)
