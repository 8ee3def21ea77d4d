"""Who did what, read by those who may."""
