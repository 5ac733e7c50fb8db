"""What a segment looks like from above: how it changed, who is in it compared with everybody, and how fresh that is.

Every figure is worked out in the database, by a fixed number of queries however large the segment is.
"""
