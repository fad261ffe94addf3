"""The command line: the console command, and what every tool begins and ends with.

This package stands beside mmcrowd because importing that takes seconds: help, and mistakes in the options, are told at
once. Nothing here imports mmcrowd, or what that needs, before the options are read.
"""
