"""Every test of the adapter: each file says at its head what it tests, `support` is what they share."""
