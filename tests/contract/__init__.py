"""The running service and real clients: what people's programs do, and what they must get."""
