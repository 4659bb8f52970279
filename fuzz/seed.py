#!/usr/bin/env python3
"""Writes the golden vectors of the protocol as the first corpus of the target `decode`."""

import json
import pathlib

HERE = pathlib.Path(__file__).parent
VECTORS = HERE.parent / "crates/protocol/tests/protocol/vectors.json"
CORPUS = HERE / "corpus/decode"

CORPUS.mkdir(parents=True, exist_ok=True)
for kind, vectors in json.loads(VECTORS.read_text(encoding="utf-8")).items():
    for vector in vectors:
        stream = bytes.fromhex(vector.get("header", "") + vector.get("bytes", ""))
        if "body" in vector:
            body = json.dumps(vector["body"], ensure_ascii=False, separators=(",", ":")).encode()
            tail = bytes.fromhex(vector.get("tail", ""))
            stream += len(body).to_bytes(4, "big") + body + tail if kind == "tails" else body
        stream += vector.get("text", "").encode() + bytes.fromhex(vector.get("hex", ""))
        # The first byte says where the target splits the rest.
        (CORPUS / vector["name"].replace("/", "-")).write_bytes(bytes([len(stream) // 2 % 256]) + stream)
