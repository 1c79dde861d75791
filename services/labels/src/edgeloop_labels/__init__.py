"""Joins what devices saw with what turned out to be true of it."""
