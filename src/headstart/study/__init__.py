"""The frozen, validated nouns of a study: TOML or Python in, specs out, all problems at once."""
