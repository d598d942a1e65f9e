"""What is looked at before something is shipped. Pure."""
