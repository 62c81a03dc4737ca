"""Networks of other libraries: how each is built, cut into stages and run from stage to stage."""
