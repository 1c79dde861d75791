"""The device's service: answers by gRPC, keeps what it saw, installs what it is assigned.

Nothing is imported here, so that the load check starts with little.
"""
