"""`campaignd verify`: a check of the running service, by campaigns of its own. Imports nothing of the service but its
configuration's models; speaks to it over HTTP. Imported by the command alone."""
