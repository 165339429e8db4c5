"""What keeps the actors alive: the Supervisor, the timer thread and the event loop thread."""
