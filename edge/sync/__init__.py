"""What this gate and the cloud say to each other (spec/sync.md): the gate asks, and goes on
scanning whatever is answered."""
