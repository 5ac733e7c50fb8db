"""The REST API of segments, their definitions and their members."""
