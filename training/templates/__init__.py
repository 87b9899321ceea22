"""The texts the corpus is grown from, and the small language they are written in."""
