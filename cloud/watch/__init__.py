"""How the service does, for whoever runs it: figures for Prometheus, rules for alarms."""
