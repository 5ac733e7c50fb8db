"""The shop's site: its script tells what visitors do, who they are, and shows what workflows send them."""
