"""The members of a segment as a custom audience at Facebook: connected, sent, kept in step, or as a file."""
