"""The gate appliance: it decides every scan by itself, and writes it down before it says so."""
