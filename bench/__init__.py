"""Benchmarks: kbgen beside other site generators, on pages made from real threads. Not installed."""
