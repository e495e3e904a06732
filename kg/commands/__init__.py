"""The commands of the command line, by what they are for; `kg.cli` puts them together."""
