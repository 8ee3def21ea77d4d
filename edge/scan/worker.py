"""The process that decodes posted pictures, so that a hostile one stops only this process.

A request is a length (u32, big-endian) and a JPEG picture, on standard input; an answer is a
length and a `Reading` or `Failed` in MessagePack, on standard output. It ends with its input.
"""

import struct
import sys
from typing import BinaryIO, Final

import cv2
import msgspec

from edge.scan.decoder import Decoder
from edge.scan.engines import load_zbar
from edge.scan.jpeg import decode_jpeg
from edge.scan.reading import Failed, Reading

LENGTH: Final = struct.Struct(">I")


def answer(decoder: Decoder, jpeg: bytes) -> Reading | Failed:
    """Return what a posted picture says."""
    grey = decode_jpeg(jpeg)
    return Failed("refused") if grey is None else decoder.read(grey)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the requests end."""
    decoder = Decoder(load_zbar())
    while len(prefix := requests.read(LENGTH.size)) == LENGTH.size:
        jpeg = requests.read(*LENGTH.unpack(prefix))
        body = msgspec.msgpack.encode(answer(decoder, jpeg))
        answers.write(LENGTH.pack(len(body)) + body)
        answers.flush()


if __name__ == "__main__":
    cv2.setNumThreads(1)
    serve(sys.stdin.buffer, sys.stdout.buffer)
