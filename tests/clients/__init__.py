"""Programs that people use: what they were recorded to send, and (`make test-clients`) the programs themselves."""
