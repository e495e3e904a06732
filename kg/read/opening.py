"""Opens what the user names: files, folders, standard input, compressed or not, with limits that stop bombs.

>>> import tempfile
>>> path = Path(tempfile.mkdtemp()) / "a.txt.gz"
>>> _ = path.write_bytes(gzip.compress("caf\u00e9\\r\\n".encode()))
>>> Source(name="a.txt.gz", path=path).text().read()
'café\\n'
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import re
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from kg.model import ReadError

#: A compressed file may grow by this factor (papers grow 3- to 20-fold), beyond a first part that is always allowed.
MAX_EXPANSION = 200
FREE_BYTES = 64 << 20
#: No single record (a line, an element of an array, an entry) is longer than this many characters.
MAX_RECORD = 32 << 20

_UNDECODED = re.compile("[\udc80-\udcff]")
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True)
class Source:
    """One input file: `name` is what messages call it, `path` where its bytes are."""

    name: str
    path: Path

    def binary(self) -> IO[bytes]:
        """The bytes, decompressed."""
        stream = self.path.open("rb")
        head = stream.read(4)
        stream.seek(0)
        if head.startswith(_GZIP):
            return io.BufferedReader(_Guarded(gzip.GzipFile(fileobj=stream), stream, self), 1 << 16)
        if head.startswith(_ZSTD):
            import zstandard

            reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(stream, read_across_frames=True)
            return io.BufferedReader(_Guarded(reader, stream, self), 1 << 16)
        return stream

    def text(self, *, newline: str | None = None) -> IO[str]:
        """The characters; a byte that is not in the file's encoding becomes a lone surrogate (see `misencoded`)."""
        stream = self.binary()
        return io.TextIOWrapper(
            cast(BinaryIO, stream), encoding=_encoding(self.head(256)), errors="surrogateescape", newline=newline
        )

    def head(self, size: int = 1 << 16) -> bytes:
        """The first bytes, decompressed."""
        with self.binary() as stream:
            return _read_fully(stream, size)

    def head_text(self, size: int = 1 << 16) -> str:
        """The first characters, without the byte order mark."""
        head = self.head(size)
        encoding = _encoding(head)
        return head.decode(encoding, "surrogateescape" if encoding.startswith("utf-8") else "ignore")

    @property
    def suffix(self) -> str:
        """The suffix in lower case, of the name without `.gz` or `.zst`."""
        name = self.name.lower()
        for packed in (".gz", ".zst"):
            name = name.removesuffix(packed)
        return Path(name).suffix


class _Guarded(io.RawIOBase):
    """A decompressing stream that stops when it has grown beyond all measure, and says what is wrong with damage."""

    def __init__(self, stream: Any, compressed: IO[bytes], source: Source) -> None:
        self._stream, self._compressed, self._source = stream, compressed, source
        self._total = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self._decompress(len(view))
        view[: len(data)] = data
        return len(data)

    def _decompress(self, size: int) -> bytes:
        name = self._source.name
        try:
            data: bytes = self._stream.read(min(size, 1 << 20))
        except (EOFError, OSError, zlib.error) as error:
            raise ReadError(f"damaged compressed file ({error}): fetch it again", path=name) from error
        except Exception as error:
            if type(error).__module__.split(".")[0] != "zstandard":
                raise
            raise ReadError(f"damaged compressed file ({error}): fetch it again", path=name) from error
        self._total += len(data)
        if self._total > FREE_BYTES and self._total > MAX_EXPANSION * max(self._compressed.tell(), 1):
            raise ReadError(
                f"grows more than {MAX_EXPANSION}-fold when decompressed, as no file of papers does: "
                "decompress it yourself if it is meant",
                path=name,
            )
        return data

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._compressed.close()
        super().close()


def lines(source: Source, stream: IO[str]) -> Iterator[tuple[int, str]]:
    """Numbered lines; one that is longer than any record is refused."""
    number = 0
    while line := stream.readline(MAX_RECORD):
        number += 1
        if len(line) >= MAX_RECORD and not line.endswith("\n"):
            raise ReadError(
                f"a line of more than {MAX_RECORD:,} characters is no record", path=source.name, line=number
            )
        yield number, line


def misencoded(text: str, source: Source, line: int | None) -> ReadError | None:
    """The error of a text that holds a byte which is not in the encoding of the file."""
    found = None if text.isascii() else _UNDECODED.search(text)
    if found is None:
        return None
    at = None if line is None else line + text.count("\n", 0, found.start())
    byte = ord(found.group()) - 0xDC00
    reason = f"not UTF-8 (byte 0x{byte:02X}): convert the file first (iconv -f ENCODING -t UTF-8)"
    return ReadError(reason, path=source.name, line=at)


@contextlib.contextmanager
def sources(inputs: Sequence[str | Path]) -> Iterator[Iterator[Source | ReadError]]:
    """The files that the inputs name, folders in sorted order; copies of what can be read only once go at the end."""
    with contextlib.ExitStack() as stack:
        yield _expand(inputs, stack)


def _expand(inputs: Sequence[str | Path], stack: contextlib.ExitStack) -> Iterator[Source | ReadError]:
    seen: set[tuple[int, int]] = set()
    for given in inputs:
        if str(given) == "-":
            yield _spooled("<stdin>", sys.stdin.buffer, stack)
            continue
        path = Path(given)
        if not path.exists():
            raise ReadError("no such file or folder", path=path)
        if path.is_dir():
            files = [file for file in _walk(path) if not _known(file, seen)]
            if not files:
                yield ReadError("the folder holds no readable file", path=path)
            yield from (Source(str(file), file) for file in files)
        elif path.is_file():
            if not _known(path, seen):
                yield Source(str(path), path)
        else:  # a pipe such as <(command)
            with path.open("rb") as stream:
                yield _spooled(str(path), stream, stack)


def _known(path: Path, seen: set[tuple[int, int]]) -> bool:
    """Whether the same file was named before (a folder and a file in it, or a link): it is read once."""
    try:
        status = path.stat()
    except OSError:
        return False
    key = (status.st_dev, status.st_ino)
    known = key in seen
    seen.add(key)
    return known


def _walk(folder: Path) -> Iterator[Path]:
    """The files of a folder; of a graph directory its papers, but none of one that lies in the folder."""
    if _is_graph(folder):
        yield folder / "papers.parquet"
        return
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not _is_graph(Path(root, name)))
        for name in sorted(names):
            path = Path(root, name)
            if not name.startswith(".") and path.is_file():
                yield path


def _is_graph(folder: Path) -> bool:
    return all((folder / name).is_file() for name in ("manifest.json", "papers.parquet", "statements.parquet"))


def _spooled(name: str, stream: IO[bytes], stack: contextlib.ExitStack) -> Source:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kg-read-"))
    path = Path(folder, "input")
    with path.open("wb") as target:
        shutil.copyfileobj(stream, target, 1 << 20)
    return Source(name, path)


def _encoding(head: bytes) -> str:
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    if len(head) >= 4 and head[1::2].count(0) > len(head) // 4:  # ASCII in UTF-16 is every other byte zero
        return "utf-16-le"
    if len(head) >= 4 and head[0::2].count(0) > len(head) // 4:
        return "utf-16-be"
    return "utf-8"


def _read_fully(stream: IO[bytes], size: int) -> bytes:
    parts = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
