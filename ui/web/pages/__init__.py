"""The pages, one module each; each has a function `page` that draws it."""
