"""The HTTP interface, on the event loop; talks to actors only by messages."""
