"""A made-up shop to try Muster with: its `people`, what they did (`history`), and its `segments`."""
