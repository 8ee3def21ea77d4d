"""Who may speak for a venue: roster, enrolment, requests, proofs, commands (spec/devices.md)."""
