"""What goes wrong around the service, each test named after it: no 500 of our own, no hang, no lost
upstream call.
"""
