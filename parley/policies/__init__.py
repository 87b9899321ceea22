"""What we decide: keys, access, audit, prices, meter."""
