"""The REST API of contacts, their fields, events and lists."""
