"""The forms of the import wizard, one module per step."""
