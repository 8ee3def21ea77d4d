"""How the processes of one appliance talk: messages on a Unix socket."""
