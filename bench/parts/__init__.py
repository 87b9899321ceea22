"""What is measured: each part runs its own servers and returns its figures."""
