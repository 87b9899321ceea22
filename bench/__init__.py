"""The benchmarks: what Parley costs, as ratios to nginx doing the same in the same minute. See README.md."""
