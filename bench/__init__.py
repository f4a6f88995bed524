"""What the adapter costs, told as a multiple of nginx doing nothing but moving the same bytes.

One run starts a scripted upstream (`upstream`), nginx and the adapter (`servers`), drives both with the same
work (`scenarios`, `client`), reads the CPU time and the memory of each server's process tree (`measure`) and
prints a table (`report`). Standard library only, Linux only, loopback only.
"""
