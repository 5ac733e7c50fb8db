"""Taking contacts, events and what segments know of them out as files.

What can be exported is a registry (`types`), and so is what a file can be (`formats`). An export is chosen step by step
(`drafting`), written by the worker as a stream of chunks read at one moment (`snapshot`, `running`), and downloaded by
whoever made it (`downloads`).
"""
