"""Contacts > Imports: the wizard, one module per step, and the history."""
