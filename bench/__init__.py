"""The benchmark: the CPU time and memory of the adapter, as multiples of those of nginx as a plain proxy.

One run starts a scripted upstream (`upstream`), nginx and the adapter (`servers`), drives both with the same
work (`scenarios`, `client`), reads the CPU time and the memory of each server's process tree (`measure`) and
prints a table (`report`). Standard library only, Linux only, loopback only.
"""
