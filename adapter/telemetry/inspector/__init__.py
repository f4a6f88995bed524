"""What the inspector records: each exchange on its way through a worker, in a file that all workers of a machine share.

Imported only if `inspector` is set (docs/decisions/0046-the-inspector.md).
"""
