"""A venue in one process: real gates, and a clock, a network and disks that a seed plays with."""
