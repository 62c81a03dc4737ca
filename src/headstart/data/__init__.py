"""From bytes to arrays: find, fetch and check data sets, draw subsets, scale images."""
