"""What is looked at before something leaves the repository: one file a family. Texts in, places out; nothing is fetched."""
