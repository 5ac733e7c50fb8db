"""Bringing contacts and events in from CSV files, as a stream, in batches that are written set-wise.

A file is read (`parse`), its columns are mapped to fields (`mapping`), cells become values (`cleaning`), and batches of
them are written (`contacts` with `upsert`, or `events`). Rows that cannot be imported are `refused`.
"""
