"""The wire contract between controller and node: topics, messages, signed envelope, chunks.

Both sides import this package and it imports none of theirs. `README.md` beside this file is
the reference; the files in `examples/` are its test vectors.
"""
