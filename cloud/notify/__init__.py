"""Mail: what is told to people, put down with what happened, and handed to a mail server later."""
